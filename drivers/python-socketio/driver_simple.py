"""python-socketio's SimpleClient, which has one namespace and no handlers, as it comes."""

import socketio
from contract import URL, aside, listed, next_case, options, report, unpacked
from socketio import exceptions


class Case:
    """One case: a client, and what its application hears and does."""

    def __init__(self, told):
        self.told, self.at = told, {"namespace": told["namespaces"][0]}
        self.client = socketio.SimpleClient(reconnection=told["reconnect"], handle_sigint=False)

    def seen(self, kind, **fields):
        """Report one thing that the application was told."""
        report(self.told["case"], kind, **fields)

    def run(self):
        """Connect as it was told to, and go on until the client says that it is over."""
        if len(self.told["namespaces"]) > 1:
            self.seen("unsupported", op="several namespaces")
            return
        try:
            self.client.connect(URL, **self.at, **options(self.told))
            self.seen("connect", **self.at)
            while True:
                self.heard(*self.client.receive())
        except exceptions.ConnectionError as error:
            self.seen("connect_error", data=str(error), **self.at)
        except exceptions.DisconnectedError:
            self.seen("disconnect", reason="", **self.at)
        except Exception as error:
            self.seen("error", text=f"{type(error).__name__}: {error}")

    def heard(self, name, *args):
        """Every event; the library has acknowledged it where it was asked to, with nothing."""
        self.seen("event", name=name, args=args, **self.at)
        if name == "message":
            self.client.emit("message-back", args)
        elif name == "do":
            self.do(unpacked(args[0]))

    def do(self, asked):
        """What the server asks the application to do."""
        event, args = asked.get("event"), tuple(asked.get("args", ()))
        match asked["op"]:
            case "emit":
                self.client.emit(event, args)
            case "emit-with-ack":  # `call` waits, and events are received meanwhile
                aside(lambda: self.call(event, args, asked["timeout_ms"] / 1000))
            case "several" if all(each["op"] == "emit" for each in asked["ops"]):
                for each in asked["ops"]:
                    self.do(each)
            case "close":
                self.client.disconnect()
            case unknown:
                self.seen("unsupported", op=unknown)

    def call(self, event, args, limit):
        """Emit something that is to be acknowledged."""
        try:
            self.seen("ack", args=listed(self.client.call(event, args, limit)), asked=args)
        except exceptions.TimeoutError:
            self.seen("ack-timeout")
        except Exception as error:
            self.seen("error", text=f"{type(error).__name__}: {error}")


case = None
while told := next_case():
    if case is not None:
        aside(case.client.disconnect).join(1)
    case = Case(told)
    aside(case.run)
