%% The WebSocket part of the target contract, on Cowboy as it comes.
-module(server).
-export([main/0, init/2, websocket_init/1, websocket_handle/2, websocket_info/2]).
-define(MAX_MESSAGE, 16 * 1024 * 1024). % octets; declared as max_message in target.toml

main() ->
    [Port | Files] = init:get_plain_arguments(),
    {ok, _} = application:ensure_all_started(cowboy),
    logger:set_primary_config(level, none),
    Socket = [{ip, {127, 0, 0, 1}}, {port, list_to_integer(Port)}],
    Options = #{env => #{dispatch => cowboy_router:compile([{'_', [{'_', ?MODULE, []}]}])}},
    {ok, _} = case Files of
        [] -> cowboy:start_clear(plain, #{socket_opts => Socket, max_connections => infinity}, Options);
        [Certificate, Key] ->
            Secure = [{certfile, Certificate}, {keyfile, Key} | Socket],
            cowboy:start_tls(secure, #{socket_opts => Secure, max_connections => infinity}, Options)
    end.

init(Request, _) ->
    Offered = case cowboy_req:parse_header(<<"sec-websocket-protocol">>, Request) of
        undefined -> [];
        Names -> Names
    end,
    Answer = case [Name || Name <- [<<"proof.v2">>, <<"proof.v1">>], lists:member(Name, Offered)] of
        [Chosen | _] -> cowboy_req:set_resp_header(<<"sec-websocket-protocol">>, Chosen, Request);
        [] -> Request
    end,
    Asked = #{path => cowboy_req:path(Request), query => maps:from_list(cowboy_req:parse_qs(Request)),
        headers => cowboy_req:headers(Request)},
    {cowboy_websocket, Answer, Asked, #{compress => true, max_frame_size => ?MAX_MESSAGE}}.

websocket_init(#{path := <<"/push">>, query := Query} = Asked) ->
    Count = binary_to_integer(maps:get(<<"count">>, Query, <<"1">>)),
    Size = min(binary_to_integer(maps:get(<<"size">>, Query, <<"8">>)), ?MAX_MESSAGE),
    Message = fun(K) -> binary:part(<<K:64, 0:Size/unit:8>>, 0, Size) end,
    {[{binary, Message(K)} || K <- lists:seq(0, min(Count, 100000) - 1)], Asked};
websocket_init(#{path := <<"/close">>, query := Query} = Asked) ->
    Code = binary_to_integer(maps:get(<<"code">>, Query, <<"1000">>)),
    {[{close, Code, maps:get(<<"reason">>, Query, <<>>)}], Asked};
websocket_init(Asked) ->
    {[], Asked}.

websocket_handle({_, _}, #{path := <<"/headers">>, headers := Fields} = Asked) ->
    {[{text, jsx:encode(Fields)}], Asked#{path := <<"/">>}};
websocket_handle({Kind, Content}, Asked) when Kind =:= text; Kind =:= binary ->
    {[{Kind, Content}], Asked};
websocket_handle(_, Asked) -> % Cowboy has answered a Ping
    {[], Asked}.

websocket_info(_, Asked) ->
    {[], Asked}.
