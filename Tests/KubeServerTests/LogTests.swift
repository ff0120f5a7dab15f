import Kubernetes
import Linux
import Testing

@testable import KubeServer

/// A kubelet that answers with what it was asked.
@Loop
private final class EchoKubelet: KubeletProxy {
  struct Unreachable: Error {}

  func request(
    node: String, address: String, path: String, query: [(name: String, value: String)]
  ) async throws -> KubeletResponse {
    if node == "down" { throw Unreachable() }
    let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
    let pairs = query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    continuation.yield(Array("\(address)\(path)?\(pairs)".utf8))
    continuation.finish()
    return KubeletResponse(status: node == "bad" ? 404 : 200, body: stream)
  }
}

@Loop
struct LogTests {
  let store: Store
  let server: APIServer

  init() throws {
    store = try Store(Store.Configuration(path: nil))
    server = APIServer(store: store, kubelet: EchoKubelet())
    for name in ["n1", "down", "bad"] {
      try store.create(
        .nodes,
        [
          "metadata": ["name": .string(name)],
          "status": ["addresses": [["type": "InternalIP", "address": "172.19.0.3"]]],
        ])
      try store.create(.pods, pod("on-\(name)", node: name))
    }
    try store.create(.pods, pod("waiting"))
    var two = pod("two", node: "n1")
    two["spec"]["containers"] = [
      ["name": "a", "image": "x"], ["name": "b", "image": "x"],
    ]
    try store.create(.pods, two)
  }

  @Test(arguments: [
    (
      "on-n1", "?follow=true&tailLines=5", 200,
      "172.19.0.3:10250/containerLogs/default/on-n1/main?follow=true&tailLines=5"
    ),
    ("two", "?container=b", 200, "172.19.0.3:10250/containerLogs/default/two/b?"),
    ("two", "", 400, "a container name must be specified for pod two, choose one of: [a b]"),
    ("two", "?container=c", 400, "container c is not valid for pod two"),
    ("waiting", "", 400, "pod waiting does not have a host assigned"),
    ("none", "", 404, "pods \"none\" not found"),
    ("on-down", "", 500, "the kubelet of node down at 172.19.0.3 did not answer"),
    ("on-bad", "", 404, "172.19.0.3:10250/containerLogs/default/on-bad/main?"),
  ])
  func `logs come from the kubelet of the pod's node`(
    name: String, query: String, status: Int, text: String
  ) async {
    var request = APIRequest(path: "")
    request.setTarget("\(pods)/\(name)/log\(query)")
    let response = await server.handle(request)
    #expect(response.status == status)
    switch response.body {
    case .stream(let stream):
      var bytes: [UInt8] = []
      for await chunk in stream { bytes += chunk }
      #expect(String(decoding: bytes, as: UTF8.self) == text)
    case .bytes(let bytes):
      let message = (try? JSON(parsing: bytes))?["message"].string ?? ""
      #expect(message.contains(text))
    }
  }
}
