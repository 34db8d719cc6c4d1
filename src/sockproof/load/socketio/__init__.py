"""Engine.IO sessions over both transports, and Socket.IO above them."""
