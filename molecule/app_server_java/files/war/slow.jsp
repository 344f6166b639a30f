<%@ page contentType="text/plain" %><% Thread.sleep(10000); %>slow but complete
