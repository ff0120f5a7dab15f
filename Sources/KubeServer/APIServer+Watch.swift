import Kubernetes
import Linux

extension APIServer {
  /// A stream of changes, one JSON text a line.
  func watch(
    _ type: ResourceType, namespace: String, _ request: APIRequest
  ) throws(APIStatus) -> APIResponse {
    guard watches < limits.watches else {
      throw APIStatus(
        code: 429, reason: "TooManyRequests",
        message: "Too many watches: \(watches) of \(limits.watches)")
    }
    let form = try ResponseForm(accept: request.headers["accept"])
    let filter = try ObjectFilter(request)
    let (stream, continuation) = AsyncStream.makeStream(
      of: [UInt8].self, bufferingPolicy: .bufferingOldest(16_384))
    let session = WatchSession(
      store: store, type: type, namespace: namespace, filter: filter, form: form,
      included: included(request), output: continuation)
    watches += 1
    continuation.onTermination = { [weak self] _ in
      Task { @Loop in
        session.stop()
        self?.watches -= 1
      }
    }
    // Without a timeout Kubernetes takes one between 30 and 60 minutes.
    let timeout = try request.number("timeoutSeconds") ?? Int.random(in: 1800..<3600)
    session.start(
      from: request.parameter("resourceVersion"),
      sendsInitial: request.flag("sendInitialEvents"),
      bookmarks: request.flag("allowWatchBookmarks"),
      timeout: .seconds(max(1, min(timeout, 86_400))))
    return APIResponse(
      status: 200, headers: [("Content-Type", "application/json")], body: .stream(stream))
  }
}

/// One watch of a client: turns changes into lines until it ends.
@Loop
final class WatchSession {
  private let store: Store
  private let type: ResourceType
  private let namespace: String
  private let filter: ObjectFilter
  private let form: ResponseForm
  private let included: Table.IncludedObject
  private let output: AsyncStream<[UInt8]>.Continuation
  private let table: Table
  private var sentColumns = false
  private var subscription: Int?
  private var deadline: Linux.Timer?
  private var nextBookmark: Linux.Timer?

  init(
    store: Store, type: ResourceType, namespace: String, filter: ObjectFilter,
    form: ResponseForm, included: Table.IncludedObject,
    output: AsyncStream<[UInt8]>.Continuation
  ) {
    self.store = store
    self.type = type
    self.namespace = namespace
    self.filter = filter
    self.form = form
    self.included = included
    self.output = output
    table = Table(type)
  }

  /// Begins after `version`, or with all objects there are if it is nil or "0".
  func start(from version: String?, sendsInitial: Bool, bookmarks: Bool, timeout: Duration) {
    let revision = version.flatMap { Int64($0) } ?? 0
    if version == nil || revision == 0 || sendsInitial {
      for object in store.objects(type.storage, namespace: namespace.isEmpty ? nil : namespace) {
        send(StoreEvent(kind: .added, object: object, previous: nil))
      }
      if sendsInitial, bookmarks { bookmark(isInitialEnd: true) }
    } else if let missed = store.history.events(after: revision) {
      for event in missed where event.resource == type.storage { send(event) }
    } else {
      let status = APIStatus.expired(asked: revision, oldest: store.history.oldest)
      write("ERROR", status.json.bytes)
      output.finish()
      return
    }
    subscription = store.observe(type.storage) { [weak self] event in self?.send(event) }
    deadline = Loop.after(timeout) { [weak self] in self?.output.finish() }
    if bookmarks { scheduleBookmark() }
  }

  func stop() {
    if let subscription { store.ignore(subscription) }
    subscription = nil
    deadline?.cancel()
    nextBookmark?.cancel()
  }

  private func scheduleBookmark() {
    nextBookmark = Loop.after(.seconds(60)) { [weak self] in
      guard let self, subscription != nil else { return }
      bookmark(isInitialEnd: false)
      scheduleBookmark()
    }
  }

  private func bookmark(isInitialEnd: Bool) {
    var object: JSON = [
      "kind": .string(type.kind), "apiVersion": .string(type.apiVersion),
      "metadata": ["resourceVersion": .string(String(store.revision))],
    ]
    if isInitialEnd {
      object["metadata"]["annotations"] = ["k8s.io/initial-events-end": "true"]
    }
    write("BOOKMARK", form == .object ? object.bytes : presented(object).bytes)
  }

  /// An object that begins to match a selector is added, one that no longer does is deleted.
  private func send(_ event: StoreEvent) {
    guard namespace.isEmpty || event.name.namespace == namespace else { return }
    var kind = event.kind
    if !filter.isEmpty {
      let matches = filter.matches(Presentation.present(event.json, as: type))
      let matched =
        event.previous.map { filter.matches(Presentation.present($0.json, as: type)) } ?? false
      switch (kind, matched, matches) {
      case (.added, _, true), (.modified, true, true): break
      case (.deleted, true, _), (.deleted, _, true): break
      case (.modified, false, true): kind = .added
      case (.modified, true, false): kind = .deleted
      default: return
      }
    }
    if form == .object, Presentation.isStoredForm(type) {
      write(kind.rawValue, event.object.bytes)
    } else {
      write(kind.rawValue, presented(Presentation.present(event.json, as: type)).bytes)
    }
  }

  private func presented(_ object: JSON) -> JSON {
    switch form {
    case .object: return object
    case .metadata: return PartialMetadata.of(object)
    case .table(let version):
      defer { sentColumns = true }
      return [
        "kind": "Table", "apiVersion": .string("meta.k8s.io/\(version)"),
        "metadata": ["resourceVersion": object["metadata"]["resourceVersion"]],
        "columnDefinitions": sentColumns ? [] : table.columnDefinitions,
        "rows": [table.row(object, at: store.now, included)],
      ]
    }
  }

  private func write(_ kind: String, _ object: [UInt8]) {
    var line = Array("{\"type\":\"\(kind)\",\"object\":".utf8)
    line.reserveCapacity(line.count + object.count + 2)
    line.append(contentsOf: object)
    line.append(contentsOf: "}\n".utf8)
    // A client too slow to take its changes has to list again.
    if case .dropped = output.yield(line) { output.finish() }
  }
}
