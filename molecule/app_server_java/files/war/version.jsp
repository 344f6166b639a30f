<%@ page contentType="text/plain" %>@RELEASE@
