// java.net.http's WebSocket as it comes: each message goes back as it came.
import java.io.ByteArrayOutputStream;
import java.lang.ref.Reference;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.regex.Pattern;

public class Driver implements WebSocket.Listener {
    static final String URL = System.getenv("SOCKPROOF_URL"), AGENT = System.getenv("SOCKPROOF_AGENT");
    static final HttpClient CLIENT = HttpClient.newHttpClient();
    final CompletableFuture<String> ended = new CompletableFuture<>();
    final StringBuilder text = new StringBuilder();
    final ByteArrayOutputStream octets = new ByteArrayOutputStream();
    final boolean echo;
    String said = "";

    Driver(boolean echo) { this.echo = echo; }

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
        text.append(part);
        if (!last) return next(socket, null);
        said = text.toString();
        text.setLength(0);
        return next(socket, echo ? socket.sendText(said, true) : null);
    }

    @Override
    public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer part, boolean last) {
        while (part.hasRemaining()) octets.write(part.get());
        if (!last) return next(socket, null);
        ByteBuffer message = ByteBuffer.wrap(octets.toByteArray());
        octets.reset();
        return next(socket, echo ? socket.sendBinary(message, true) : null);
    }

    // The library takes no message while one is being sent.
    CompletionStage<?> next(WebSocket socket, CompletableFuture<WebSocket> sent) {
        if (sent == null) {
            socket.request(1);
            return null;
        }
        return sent.whenComplete((done, error) -> {
            if (error == null) socket.request(1);
            else ended.complete(said); // what is not asked for is not told, the end neither
        });
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
        ended.complete(said);
        return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) { ended.complete(said); }

    static String open(String path, boolean echo, String... offer) {
        Driver driver = new Driver(echo);
        var builder = CLIENT.newWebSocketBuilder();
        if (offer.length > 0) builder.subprotocols(offer[0], java.util.Arrays.copyOfRange(offer, 1, offer.length));
        try {
            WebSocket socket = builder.buildAsync(URI.create(URL + path), driver).join();
            String said = driver.ended.join();
            Reference.reachabilityFence(socket); // one that is garbage ends its connection
            return said;
        } catch (RuntimeException error) { // what the library says is the end of it
            return "";
        }
    }

    public static void main(String[] words) {
        int count = Integer.parseInt(open("/getCaseCount", false));
        for (int number = 1; number <= count; number++) {
            String info = open("/getCaseInfo?case=" + number, false);
            var found = Pattern.compile("\"subprotocols\": ?\\[([^\\]]+)\\]").matcher(info);
            String[] offer = found.find() ? found.group(1).replaceAll("[\" ]", "").split(",") : new String[0];
            open("/runCase?case=" + number + "&agent=" + AGENT, true, offer);
        }
        open("/updateReports?agent=" + AGENT, false);
        System.exit(0);
    }
}
