<%@ page contentType="text/plain" %><% response.setStatus(Integer.parseInt("@STATUS@")); %>@STATUS@
