import Kubernetes
import Linux
import Logging
import NetTypes

/// A local copy of a collection, kept up to date by list and watch.
///
///     list ──▶ watch ──event──▶ watch …
///      ▲         │ ended, broken: watch again from the last resource version
///      └─ 410 ───┘ after a pause that grows while nothing works
///
/// Only a complete list or a DELETED event removes an object: while the server is away, or answers
/// with anything but a list, the copy stays as it was.
@Loop package final class Informer<View: ObjectView> {
  package enum Change: Sendable {
    case added(View)
    case modified(old: View, new: View)
    case deleted(View)

    package var view: View {
      switch self {
      case .added(let view), .modified(_, let view), .deleted(let view): view
      }
    }
  }

  package typealias Handler = @Loop (Change) -> Void

  package private(set) var objects: [ResourceName: View] = [:]
  /// A complete list has been read once.
  package private(set) var hasSynced = false
  /// Why the server cannot be followed at the moment; nil while it can.
  package private(set) var failure: String?
  /// Called after each batch of changes and when the first list is complete.
  package var onUpdate: (@Loop () -> Void)?

  private let client: KubeClient
  private let path: String
  private let labels: String?
  private let fields: String?
  private let log: Logger
  private let handler: Handler?
  private var resourceVersion: String?
  private var task: Task<Void, Never>?
  private var syncWaiters: [Waiter] = []
  private var retry = RetryPause()

  package convenience init(
    _ client: KubeClient, _ resource: GroupResource, namespace: String? = nil,
    labels: String? = nil, fields: String? = nil, handler: Handler? = nil
  ) throws {
    self.init(
      client, path: try KubeClient.path(resource, namespace: namespace), labels: labels,
      fields: fields, handler: handler)
  }

  /// Of a kind that is not built in.
  /// - Parameter path: Of the collection, as `/apis/k8gb.io/v1beta1/gslbs`.
  package init(
    _ client: KubeClient, path: String, labels: String? = nil, fields: String? = nil,
    handler: Handler? = nil
  ) {
    self.client = client
    self.path = path
    self.labels = labels
    self.fields = fields
    self.handler = handler
    log = Logger(label: "informer")
  }

  isolated deinit { task?.cancel() }

  package subscript(name: ResourceName) -> View? { objects[name] }

  /// In order of namespace and name.
  package var all: [View] { objects.sorted { $0.key < $1.key }.map(\.value) }

  package func start() {
    guard task == nil else { return }
    task = Task { @Loop [weak self] in
      while !Task.isCancelled {
        guard let pause = await self?.runOnce() else { return }
        if pause > .zero { try? await Loop.sleep(pause) }
      }
    }
  }

  package func stop() {
    task?.cancel()
    task = nil
  }

  /// Suspends until the first list is complete.
  package func waitForSync() async throws {
    guard !hasSynced else { return }
    let waiter = Waiter()
    syncWaiters.append(waiter)
    try await waiter.wait()
  }

  /// Follows the server until something ends that.
  /// - Returns: How long to wait before the next attempt.
  private func runOnce() async -> Duration {
    do {
      if resourceVersion == nil { try await relist() }
      try await follow()
      // The server ends watches now and then; that is no failure.
      return retry.shortest
    } catch let error as APIStatus where error.isGone {
      resourceVersion = nil
      return retry.afterExpiry()
    } catch is CancellationError {
      return .zero
    } catch {
      let text = "\(error)"
      if failure != text {
        log.warning("cannot follow", metadata: ["path": "\(path)", "reason": "\(text)"])
      }
      failure = text
      return retry.next()
    }
  }

  private func relist() async throws {
    let list = try await client.list(path: path, labels: labels, fields: fields)
    var current: [ResourceName: View] = [:]
    for item in list.items {
      let view = View(item)
      current[view.resourceName] = view
    }
    recover()
    resourceVersion = list.resourceVersion
    for name in objects.keys.filter({ current[$0] == nil }).sorted() {
      if let old = objects.removeValue(forKey: name) { handler?(.deleted(old)) }
    }
    for (name, view) in current.sorted(by: { $0.key < $1.key }) { store(view, name) }
    if !hasSynced {
      hasSynced = true
      let waiting = syncWaiters
      syncWaiters = []
      for waiter in waiting { waiter.resume() }
    }
    onUpdate?()
  }

  private func follow() async throws {
    let stream = try await client.watch(
      path: path, resourceVersion: resourceVersion ?? "", labels: labels, fields: fields)
    defer { stream.cancel() }
    while let event = try await stream.next() {
      recover()
      switch event {
      case .bookmark(let version):
        if !version.isEmpty { resourceVersion = version }
      case .added(let json), .modified(let json):
        try advance(to: json)
        let view = View(json)
        store(view, view.resourceName)
        onUpdate?()
      case .deleted(let json):
        try advance(to: json)
        let view = View(json)
        if objects.removeValue(forKey: view.resourceName) != nil { handler?(.deleted(view)) }
        onUpdate?()
      }
    }
  }

  private func advance(to object: JSON) throws {
    guard let version = object["metadata"]["resourceVersion"].string, !version.isEmpty,
      object["metadata"]["name"].string?.isEmpty == false
    else { throw NotAnObject(path: path) }
    resourceVersion = version
  }

  private func store(_ view: View, _ name: ResourceName) {
    let old = objects.updateValue(view, forKey: name)
    guard let old else {
      handler?(.added(view))
      return
    }
    if old != view { handler?(.modified(old: old, new: view)) }
  }

  private func recover() {
    retry.reset()
    guard failure != nil else { return }
    failure = nil
    log.info("following again", metadata: ["path": "\(path)"])
  }
}

/// A watch event whose object has no name or version.
struct NotAnObject: Error, CustomStringConvertible {
  let path: String
  var description: String { "GET \(path): a watch event holds no object" }
}

/// Pauses between attempts: they double from 40 ms to 5 s, each shortened at random by up to half.
struct RetryPause {
  private var base = Duration.milliseconds(40)
  private var expiries = 0

  let shortest = Duration.milliseconds(20)

  mutating func next() -> Duration {
    defer { base = min(base * 2, .seconds(5)) }
    return base * Double.random(in: 0.5...1)
  }

  /// The first list after an expired version is at once; a server that expires its own fresh lists
  /// is asked ever more slowly.
  mutating func afterExpiry() -> Duration {
    expiries += 1
    return expiries == 1 ? .zero : next()
  }

  mutating func reset() {
    base = .milliseconds(40)
    expiries = 0
  }
}
