<%@ page contentType="application/json; charset=UTF-8" import="java.security.MessageDigest, java.util.HexFormat" %><%!
String hash(String text) throws Exception {
  return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes("UTF-8")));
}
%>{"release": "@RELEASE@", "greeting": "<%= System.getenv("SHOP_GREETING") %>",
 "secret_sha256": "<%= hash(System.getenv("SHOP_SECRET")) %>", "text_sha256": "<%= hash(System.getProperty("shop.text")) %>",
 "heap": <%= Runtime.getRuntime().maxMemory() %>, "secure": <%= request.isSecure() %>, "client": "<%= request.getRemoteAddr() %>"}
