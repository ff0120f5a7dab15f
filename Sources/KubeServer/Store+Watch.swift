import Kubernetes
import Linux

/// One listener to changes.
struct Subscriber {
  enum Sink {
    case stream(AsyncStream<StoreEvent>.Continuation)
    /// Called inside the write; must not write itself.
    case observer(@Loop (StoreEvent) -> Void)
  }
  let selection: Store.Selection
  let sink: Sink
}

extension Store {
  /// Which resources' changes a subscriber hears.
  package enum Selection: Sendable {
    case only(Set<GroupResource>)
    /// Those defined later too.
    case allExcept(Set<GroupResource>)

    func contains(_ resource: GroupResource) -> Bool {
      switch self {
      case .only(let resources): resources.contains(resource)
      case .allExcept(let resources): !resources.contains(resource)
      }
    }
  }

  /// Changes of `resources` from now on, after one `added` for each object there is.
  ///
  /// The stream ends when its task is cancelled, or when more than `limit` changes wait in it.
  package func subscribe(
    _ selection: Selection, replay: Bool = true, limit: Int = 100_000
  ) -> AsyncStream<StoreEvent> {
    var initial: [StoreEvent] = []
    if replay {
      for resource in tables.keys where selection.contains(resource) {
        for object in (tables[resource] ?? [:]).values.sorted(by: { $0.revision < $1.revision }) {
          initial.append(StoreEvent(kind: .added, object: object, previous: nil))
        }
      }
    }
    return subscribe(selection, initial: initial, limit: limit)
  }

  /// Changes of `resources` after `revision`.
  /// - Throws: 410 when some of them are no longer held.
  package func subscribe(
    _ resources: Set<GroupResource>, after revision: Int64, limit: Int = 4096
  ) throws(APIStatus) -> AsyncStream<StoreEvent> {
    guard let events = history.events(after: revision) else {
      throw .expired(asked: revision, oldest: history.oldest)
    }
    let initial = events.filter { resources.contains($0.resource) }
    return subscribe(.only(resources), initial: initial, limit: limit)
  }

  private func subscribe(
    _ selection: Selection, initial: [StoreEvent], limit: Int
  ) -> AsyncStream<StoreEvent> {
    let id = nextSubscriber
    nextSubscriber += 1
    let (stream, continuation) = AsyncStream.makeStream(
      of: StoreEvent.self, bufferingPolicy: .bufferingOldest(limit + initial.count))
    for event in initial { continuation.yield(event) }
    subscribers[id] = Subscriber(selection: selection, sink: .stream(continuation))
    continuation.onTermination = { _ in
      Task { @Loop [weak self] in self?.subscribers[id] = nil }
    }
    return stream
  }

  /// Calls `body` inside every write of `resource`, until `ignore` of the number returned.
  func observe(_ resource: GroupResource, _ body: @escaping @Loop (StoreEvent) -> Void) -> Int {
    let id = nextSubscriber
    nextSubscriber += 1
    subscribers[id] = Subscriber(selection: .only([resource]), sink: .observer(body))
    return id
  }

  func ignore(_ id: Int) { subscribers[id] = nil }

  /// The number of open watches and subscriptions.
  package var subscriberCount: Int { subscribers.count }

  func publish(_ event: StoreEvent) {
    history.append(event)
    for (id, subscriber) in subscribers where subscriber.selection.contains(event.resource) {
      switch subscriber.sink {
      case .observer(let body): body(event)
      case .stream(let continuation):
        if case .enqueued = continuation.yield(event) { continue }
        subscribers[id] = nil
        continuation.finish()
      }
    }
  }
}
