import Kubernetes
import Linux
import Testing

@testable import KubeServer

/// The lines of a watch, parsed.
@Loop
final class WatchReader {
  private var chunks: AsyncStream<[UInt8]>.AsyncIterator?

  init(_ response: APIResponse) {
    if case .stream(let stream) = response.body { chunks = stream.makeAsyncIterator() }
  }

  /// The type and the name of the next event; nil at the end.
  func next() async -> String? {
    guard let event = await event() else { return nil }
    let object = event["object"]
    let row = object["rows"][0]["object"]
    let name = (row.isNull ? object : row)["metadata"]["name"].string ?? object["reason"].string
    return "\(event["type"].string ?? "") \(name ?? "")"
  }

  func event() async -> JSON? {
    // An iterator cannot suspend inside its property.
    guard var iterator = chunks else { return nil }
    chunks = nil
    let bytes = await iterator.next(isolation: Loop.shared)
    chunks = iterator
    guard let bytes else { return nil }
    return try? JSON(parsing: bytes)
  }
}

@Loop
struct WatchTests {
  @Test func `a watch without a version begins with what is there`() async throws {
    let api = try API()
    _ = await api.json("POST", pods, pod("a"))
    let watch = WatchReader(await api.call("GET", "\(pods)?watch=true"))
    #expect(await watch.next() == "ADDED a")
    _ = await api.json("POST", pods, pod("b"))
    _ = await api.json("DELETE", "\(pods)/a")
    #expect(await watch.next() == "ADDED b")
    #expect(await watch.next() == "DELETED a")
  }

  @Test func `a watch goes on where a list ended`() async throws {
    let api = try API()
    _ = await api.json("POST", pods, pod("a"))
    let version = await api.json("GET", pods).body["metadata"]["resourceVersion"].string ?? ""
    _ = await api.json("POST", pods, pod("b"))
    _ = await api.json("POST", maps, ["metadata": ["name": "m"]])
    let watch = WatchReader(await api.call("GET", "\(pods)?watch=1&resourceVersion=\(version)"))
    #expect(await watch.next() == "ADDED b")
    _ = await api.json("POST", pods, pod("c"))
    #expect(await watch.next() == "ADDED c")
  }

  @Test func `a watch of a version too old ends with 410`() async throws {
    let api = try API(capacity: 2)
    let version = api.store.revision
    for name in ["a", "b", "c"] { _ = await api.json("POST", pods, pod(name)) }
    let watch = WatchReader(await api.call("GET", "\(pods)?watch=1&resourceVersion=\(version)"))
    let event = await watch.event()
    #expect(event?["type"] == "ERROR" && event?["object"]["code"] == 410)
    #expect(await watch.event() == nil)
  }

  @Test func `an object comes and goes with its labels`() async throws {
    let api = try API()
    let watch = WatchReader(await api.call("GET", "\(pods)?watch=1&labelSelector=app%3Dx"))
    _ = await api.json("POST", pods, pod("a", labels: ["app": "y"]))
    let merge = "application/merge-patch+json"
    func label(_ app: String) async {
      _ = await api.json(
        "PATCH", "\(pods)/a", ["metadata": ["labels": ["app": .string(app)]]], type: merge)
    }
    await label("x")
    await label("z")
    await label("x")
    _ = await api.json("DELETE", "\(pods)/a")
    for expected in ["ADDED a", "DELETED a", "ADDED a", "DELETED a"] {
      #expect(await watch.next() == expected)
    }
  }

  @Test func `a table watch sends its columns once`() async throws {
    let api = try API()
    let watch = WatchReader(
      await api.call("GET", "\(pods)?watch=1", accept: tableType))
    _ = await api.json("POST", pods, pod("a"))
    _ = await api.json("POST", pods, pod("b"))
    #expect(await watch.event()?["object"]["columnDefinitions"].elements.isEmpty == false)
    #expect(await watch.event()?["object"]["columnDefinitions"].elements.isEmpty == true)
  }

  @Test func `a streamed list ends with its bookmark`() async throws {
    let api = try API()
    _ = await api.json("POST", pods, pod("a"))
    let query =
      "watch=1&sendInitialEvents=true&allowWatchBookmarks=true"
      + "&resourceVersionMatch=NotOlderThan"
    let watch = WatchReader(await api.call("GET", "\(pods)?\(query)"))
    #expect(await watch.next() == "ADDED a")
    let end = await watch.event()
    #expect(end?["type"] == "BOOKMARK")
    #expect(end?["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true")
  }

  @Test func `watches are limited, and end with their reader`() async throws {
    var limits = APIServer.Limits()
    limits.watches = 1
    let api = try API(limits: limits)
    let reader = Task { @Loop in
      let watch = WatchReader(await api.call("GET", "\(pods)?watch=1"))
      while await watch.next() != nil {}
    }
    while api.server.watches == 0 { await Task.yield() }
    #expect(await api.call("GET", "\(pods)?watch=1").status == 429)
    reader.cancel()
    while api.server.watches > 0 { await Task.yield() }
    #expect(api.store.subscriberCount == 0)
    #expect(await api.call("GET", "\(pods)?watch=1").status == 200)
  }
}
