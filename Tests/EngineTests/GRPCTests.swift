import Delivery
import Engine
import Glibc
import Linux
import NetTypes
import Testing
import Transport

/// A client and a server of gRPC's own, with the engine between: TLS in front, HTTP/2 behind.
@Suite struct GRPCTests {
  private static let python = "/usr/bin/python3"
  private static let hasGRPC =
    access(python, X_OK) == 0 && (try? Program.run([python, "-c", "import grpc"]))?.code == 0

  @Test(.enabled(if: hasGRPC, "python3-grpcio is not installed"))
  func `calls of each kind, trailers, deadlines and cancellation come through`() async throws {
    let (backend, port) = (freePort(), freePort())
    let server = try Program(
      [Self.python, "-u", "$FOLDER/server.py", "\(backend)"], files: ["server.py": Self.server])
    let authority = try CertificateAuthority.mint(commonName: "test")
    var configuration = single(port, .https, [backend])
    configuration.virtualServers[0].tls = ServerTLS(
      certificates: [try authority.issue(.server("a", dnsNames: ["localhost"])).source])
    configuration.pools[0].protocol = .http2
    let client = try temporaryFolder()
    defer { removeFolder(client) }
    try write(authority.certificatePEM, to: client + "/ca.pem")
    try write(Self.client, to: client + "/client.py")
    try await withEngine(configuration) { engine in
      try await eventually("the server listens") { (try? TestClient(backend)) != nil }
      let run = try await blocking {
        try Program.run(
          [Self.python, client + "/client.py", "localhost:\(port)", client + "/ca.pem"],
          seconds: 40)
      }
      #expect(
        run.output == """
          unary: hello HELLO, first one, last two
          big: 3145727
          error: NOT_FOUND no such thing, last two
          server streaming: 200 in order
          client streaming: 2000000 bytes in 200 messages
          both: 100 answers, each before the next question
          deadline: DEADLINE_EXCEEDED
          cancelled: CANCELLED

          """)
      // A call that its client gives up is given up at the member.
      try await eventually("the server has heard") {
        server.output.split(separator: "\n").count { $0 == "gone" } == 2
      }
      try await eventually("nothing is left") {
        engine.snapshot().pools[0].members[0].counts.activeConnections == 0
      }
      let version = try await blocking {
        try Program.run([Self.python, "-c", "import grpc; print(grpc.__version__)"]).output
      }
      print("interop: grpcio \(version.filter { !$0.isNewline })")
    }
  }

  private static let server = """
    import sys, threading, time
    from concurrent import futures
    import grpc

    def unary(request, context):
        context.send_initial_metadata([("first", "one")])
        context.set_trailing_metadata([("last", "two")])
        return request + b" " + request.upper()

    def fail(request, context):
        context.set_trailing_metadata([("last", "two")])
        context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")

    def many(request, context):
        for number in range(int(request)):
            yield b"%d" % number

    def gather(requests, context):
        sizes = [len(request) for request in requests]
        return b"%d bytes in %d messages" % (sum(sizes), len(sizes))

    def both(requests, context):
        for request in requests:
            yield request + b"!"

    def slow(request, context):
        gone = threading.Event()
        context.add_callback(gone.set)
        if gone.wait(20):
            print("gone")
        return b""

    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            return {
                "/t.T/Unary": grpc.unary_unary_rpc_method_handler(unary),
                "/t.T/Fail": grpc.unary_unary_rpc_method_handler(fail),
                "/t.T/Many": grpc.unary_stream_rpc_method_handler(many),
                "/t.T/Gather": grpc.stream_unary_rpc_method_handler(gather),
                "/t.T/Both": grpc.stream_stream_rpc_method_handler(both),
                "/t.T/Slow": grpc.unary_unary_rpc_method_handler(slow),
            }.get(details.method)

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers([Handler()])
    server.add_insecure_port("127.0.0.1:" + sys.argv[1])
    server.start()
    server.wait_for_termination()
    """

  private static let client = """
    import sys, queue
    import grpc

    authority = open(sys.argv[2], "rb").read()
    channel = grpc.secure_channel(sys.argv[1], grpc.ssl_channel_credentials(authority))
    def trailer(call):
        return "last " + dict(call.trailing_metadata())["last"]

    answer, call = channel.unary_unary("/t.T/Unary").with_call(b"hello", timeout=20)
    print("unary: %s, first %s, %s" % (answer.decode(), dict(call.initial_metadata())["first"], trailer(call)))
    print("big: %d" % len(channel.unary_unary("/t.T/Unary")(b"x" * ((3 << 19) - 1), timeout=20)))
    try:
        channel.unary_unary("/t.T/Fail")(b"", timeout=20)
    except grpc.RpcError as error:
        print("error: %s %s, %s" % (error.code().name, error.details(), trailer(error)))
    numbers = [int(part) for part in channel.unary_stream("/t.T/Many")(b"200", timeout=20)]
    print("server streaming: %d %s" % (len(numbers), "in order" if numbers == sorted(numbers) else "mixed"))
    messages = (b"x" * 10000 for _ in range(200))
    print("client streaming: %s" % channel.stream_unary("/t.T/Gather")(messages, timeout=20).decode())
    questions = queue.Queue()
    answers = channel.stream_stream("/t.T/Both")(iter(questions.get, None), timeout=20)
    count = 0
    for number in range(100):
        questions.put(b"%d" % number)
        count += next(answers) == b"%d!" % number
    questions.put(None)
    assert list(answers) == []
    print("both: %d answers, each before the next question" % count)
    try:
        channel.unary_unary("/t.T/Slow")(b"", timeout=0.3)
    except grpc.RpcError as error:
        print("deadline: %s" % error.code().name)
    future = channel.unary_unary("/t.T/Slow").future(b"", timeout=20)
    import time; time.sleep(0.3)
    future.cancel()
    print("cancelled: %s" % future.code().name)
    """
}
