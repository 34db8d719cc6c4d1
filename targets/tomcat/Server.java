// The WebSocket part of the target contract, on Tomcat's own server as it comes.
import jakarta.websocket.*;
import jakarta.websocket.server.*;
import java.io.*;
import java.nio.ByteBuffer;
import java.util.*;
import java.util.stream.Collectors;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.net.*;
import org.apache.tomcat.websocket.server.WsSci;

public class Server extends Endpoint {
    static final int MAX_MESSAGE = 1 << 20; // octets; declared as max_message in target.toml

    static class Handshake extends ServerEndpointConfig.Configurator {
        @Override
        public String getNegotiatedSubprotocol(List<String> supported, List<String> requested) {
            return supported.stream().filter(requested::contains).findFirst().orElse("");
        }

        @Override
        public void modifyHandshake(ServerEndpointConfig config, HandshakeRequest request, HandshakeResponse response) {
            config.getUserProperties().put("fields", request.getHeaders());
        }
    }

    boolean asked;

    static int number(Session session, String name, int otherwise) {
        List<String> found = session.getRequestParameterMap().get(name);
        return found == null ? otherwise : Integer.parseInt(found.get(0));
    }

    static String quoted(String text) {
        return text.chars()
                .mapToObj(each -> each < ' ' || each == '"' || each == '\\'
                        ? String.format("\\u%04x", each) : Character.toString(each))
                .collect(Collectors.joining("", "\"", "\""));
    }

    String fields(EndpointConfig config) {
        @SuppressWarnings("unchecked")
        var fields = (Map<String, List<String>>) config.getUserProperties().get("fields");
        return fields.entrySet().stream()
                .map(each -> quoted(each.getKey().toLowerCase()) + ":" + quoted(String.join(", ", each.getValue())))
                .collect(Collectors.joining(",", "{", "}"));
    }

    @Override
    public void onOpen(Session session, EndpointConfig config) {
        session.setMaxTextMessageBufferSize(MAX_MESSAGE);
        session.setMaxBinaryMessageBufferSize(MAX_MESSAGE);
        var client = session.getBasicRemote();
        String path = session.getRequestURI().getPath();
        String fields = path.equals("/headers") ? fields(config) : null;
        asked = fields != null;
        session.addMessageHandler(String.class, text -> {
            try {
                client.sendText(asked ? fields : text);
                asked = false;
            } catch (IOException gone) {
            }
        });
        session.addMessageHandler(ByteBuffer.class, octets -> {
            try {
                client.sendBinary(octets);
            } catch (IOException gone) {
            }
        });
        try {
            if (path.equals("/push")) {
                int size = Math.min(number(session, "size", 8), MAX_MESSAGE);
                for (long k = 0; k < Math.min(number(session, "count", 1), 100000); k++) {
                    client.sendBinary(ByteBuffer.allocate(size + 8).putLong(0, k).limit(size));
                }
            } else if (path.equals("/close")) {
                String reason = session.getRequestParameterMap().getOrDefault("reason", List.of("")).get(0);
                session.close(new CloseReason(CloseReason.CloseCodes.getCloseCode(number(session, "code", 1000)), reason));
            }
        } catch (IOException gone) {
        }
    }

    @Override
    public void onError(Session session, Throwable error) {
    }

    public static void main(String[] words) throws Exception {
        java.util.logging.LogManager.getLogManager().reset();
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(words[1]);
        Connector connector = new Connector();
        connector.setProperty("address", "127.0.0.1");
        connector.setPort(Integer.parseInt(words[0]));
        if (words.length == 4) {
            connector.setSecure(true);
            connector.setProperty("SSLEnabled", "true");
            SSLHostConfig host = new SSLHostConfig();
            SSLHostConfigCertificate certificate = new SSLHostConfigCertificate(host, SSLHostConfigCertificate.Type.UNDEFINED);
            certificate.setCertificateFile(words[2]);
            certificate.setCertificateKeyFile(words[3]);
            host.addCertificate(certificate);
            connector.addSslHostConfig(host);
        }
        tomcat.setConnector(connector);
        var context = tomcat.addContext("", null);
        context.addServletContainerInitializer((classes, application) -> {
            var container = new WsSci();
            container.onStartup(Set.of(), application);
            var endpoints = (ServerContainer) application.getAttribute(ServerContainer.class.getName());
            try {
                for (String path : List.of("/", "/{a}", "/{a}/{b}")) {
                    endpoints.addEndpoint(ServerEndpointConfig.Builder.create(Server.class, path)
                            .configurator(new Handshake()).subprotocols(List.of("proof.v2", "proof.v1")).build());
                }
            } catch (DeploymentException error) {
                throw new IllegalStateException(error);
            }
        }, null);
        Tomcat.addServlet(context, "none", new jakarta.servlet.http.HttpServlet() {});
        context.addServletMappingDecoded("/", "none");
        tomcat.start();
        tomcat.getServer().await();
    }
}
