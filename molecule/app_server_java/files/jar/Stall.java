import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

/** The smallest server: answers with its argument. */
public class Stall {
  public static void main(String[] arguments) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 8090), 0);
    byte[] answer = arguments[0].getBytes("UTF-8");
    server.createContext("/", exchange -> {
      exchange.sendResponseHeaders(200, answer.length);
      exchange.getResponseBody().write(answer);
      exchange.close();
    });
    server.start();
  }
}
