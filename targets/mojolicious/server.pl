# The WebSocket part of the target contract, on Mojolicious as it comes.
use Mojolicious::Lite -signatures;
use Mojo::IOLoop;
use Mojo::JSON qw(encode_json);
use Mojo::Server::Daemon;
use List::Util qw(min);

use constant MAX_MESSAGE => 16 * 1024 * 1024;    # octets; declared as max_message in target.toml
use constant MAX_PUSH    => 100_000;

my ($port, $certificate, $key) = @ARGV;

websocket '/*rest' => {rest => ''} => sub ($c) {
  my $socket = $c->tx;
  $socket->max_websocket_size(MAX_MESSAGE);
  $socket->with_compression;
  $socket->with_protocols('proof.v2', 'proof.v1');
  $c->inactivity_timeout(300);
  my $path  = $c->param('rest');
  my $asked = $path eq 'headers';
  $c->on(text => sub ($c, $octets) {
    $octets = encode_json({map { lc($_) => $c->req->headers->header($_) } @{$c->req->headers->names}}) if $asked;
    $asked  = 0;
    $c->send({text => $octets});
  });
  $c->on(binary => sub ($c, $octets) { $c->send({binary => $octets}) });
  if ($path eq 'push') {
    my $size = min($c->param('size') // 8, MAX_MESSAGE);
    $c->send({binary => substr pack('Q>', $_) . "\0" x $size, 0, $size})
      for 0 .. min($c->param('count') // 1, MAX_PUSH) - 1;
  }
  elsif ($path eq 'close') {
    $c->finish($c->param('code') // 1000, $c->param('reason') // '');
  }
};

app->mode('production')->log->level('fatal');
my $tls = $certificate ? "https://127.0.0.1:$port?cert=$certificate&key=$key" : "http://127.0.0.1:$port";
Mojo::Server::Daemon->new(app => app, listen => [$tls], silent => 1, max_clients => 10_000)->run;
