// The WebSocket part of the target contract, on Boost.Beast as it comes, with a thread for each
// connection. Beast leaves the choice of a subprotocol to its application, so none is offered.
#include <boost/asio/ssl.hpp>
#include <boost/beast.hpp>
#include <boost/beast/ssl.hpp>
#include <cstdio>
#include <optional>
#include <thread>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

constexpr std::size_t max_message = 16 << 20; // octets; declared as max_message in target.toml
constexpr std::uint64_t max_push = 100000;

std::string query(std::string const& target, std::string name, std::string otherwise) {
    auto at = target.find_first_of("?&");
    while (at != std::string::npos) {
        auto end = target.find('&', at + 1);
        auto part = target.substr(at + 1, end - at - 1);
        if (part.rfind(name + "=", 0) == 0) otherwise = part.substr(name.size() + 1);
        at = end;
    }
    std::string decoded;
    for (std::size_t k = 0; k < otherwise.size(); k++) {
        bool quoted = otherwise[k] == '%' && k + 2 < otherwise.size();
        decoded += quoted ? static_cast<char>(std::stoi(otherwise.substr(k + 1, 2), nullptr, 16)) : otherwise[k];
        if (quoted) k += 2;
    }
    return decoded;
}

std::string fields(http::request<http::empty_body> const& request) {
    std::string all;
    for (auto const& field : request) {
        std::string name(field.name_string()), value;
        for (char& each : name) each = std::tolower(each);
        for (unsigned char each : field.value()) {
            char escaped[8] = {static_cast<char>(each)};
            if (each < ' ' || each == '"' || each == '\\') std::snprintf(escaped, sizeof escaped, "\\u%04x", each);
            value += escaped;
        }
        all += (all.empty() ? "{\"" : ", \"") + name + "\": \"" + value + "\"";
    }
    return all + "}";
}

template <class Stream> void serve(Stream&& stream) {
    beast::flat_buffer buffer;
    http::request<http::empty_body> request;
    http::read(stream, buffer, request);
    if (!websocket::is_upgrade(request)) {
        http::response<http::string_body> refusal{http::status::bad_request, 11, "a WebSocket server\n"};
        refusal.keep_alive(false);
        refusal.prepare_payload();
        http::write(stream, refusal);
        return;
    }
    websocket::stream<Stream> socket(std::move(stream));
    websocket::permessage_deflate deflate;
    deflate.server_enable = true;
    socket.set_option(deflate);
    socket.read_message_max(max_message);
    socket.accept(request);
    std::string target(request.target()), path = target.substr(0, target.find('?'));
    if (path == "/push") {
        auto count = std::min(std::stoull(query(target, "count", "1")), 0ull + max_push);
        auto size = std::min(std::stoul(query(target, "size", "8")), max_message);
        for (std::uint64_t number = 0; number < count; number++) {
            std::string message(8 + size, '\0');
            for (int k = 0; k < 8; k++) message[7 - k] = number >> (8 * k);
            socket.binary(true);
            socket.write(asio::buffer(message.data(), size));
        }
    } else if (path == "/close") {
        auto code = static_cast<websocket::close_code>(std::stoi(query(target, "code", "1000")));
        socket.close({code, query(target, "reason", "")});
        return;
    }
    for (bool asked = path == "/headers";; asked = false) {
        beast::flat_buffer message;
        socket.read(message);
        socket.binary(socket.got_binary());
        if (asked) socket.write(asio::buffer(fields(request)));
        else socket.write(message.data());
    }
}

int main(int count, char** words) {
    asio::io_context io;
    std::optional<asio::ssl::context> tls;
    if (count == 4) {
        tls.emplace(asio::ssl::context::tls_server);
        tls->use_certificate_chain_file(words[2]);
        tls->use_private_key_file(words[3], asio::ssl::context::pem);
    }
    asio::ip::tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), static_cast<unsigned short>(std::stoi(words[1]))});
    for (;;) {
        std::thread([&tls, socket = acceptor.accept()]() mutable {
            try {
                if (!tls) return serve(std::move(socket));
                asio::ssl::stream<asio::ip::tcp::socket> stream(std::move(socket), *tls);
                stream.handshake(asio::ssl::stream_base::server);
                serve(std::move(stream));
            } catch (std::exception const&) { // the connection is over
            }
        }).detach();
    }
}
