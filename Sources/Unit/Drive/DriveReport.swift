import Kubernetes
import NetTypes

/// What a drive saw, request by request, and what was done to the mesh meanwhile.
package struct DriveReport: Equatable, Sendable {
  package enum Outcome: Equatable, Sendable {
    case answered(status: Int)
    case failed(String)
  }

  package struct Sample: Equatable, Sendable {
    /// Since the drive began.
    package var start: Duration
    package var latency: Duration
    package var outcome: Outcome
    /// Who was asked last; nil if the name was not resolved.
    package var address: IPAddress?
    package var attempts: Int

    package init(
      start: Duration, latency: Duration, outcome: Outcome, address: IPAddress?, attempts: Int = 1
    ) {
      self.start = start
      self.latency = latency
      self.outcome = outcome
      self.address = address
      self.attempts = attempts
    }

    package var isFailed: Bool {
      switch outcome {
      case .answered(let status): status >= 500
      case .failed: true
      }
    }

    var reason: String {
      switch outcome {
      case .answered(let status): "answered \(status)"
      case .failed(let reason): reason
      }
    }
  }

  /// A fault, or its end.
  package struct Mark: Equatable, Sendable {
    package var at: Duration
    package var text: String

    package init(at: Duration, text: String) {
      self.at = at
      self.text = text
    }
  }

  package let options: DriveOptions
  /// Which site an address is of.
  package let sites: [(network: IPPrefix, name: String)]
  package private(set) var samples: [Sample] = []
  package var marks: [Mark] = []

  package init(_ options: DriveOptions, sites: [(network: IPPrefix, name: String)]) {
    self.options = options
    self.sites = sites
  }

  package mutating func add(_ sample: Sample) { samples.append(sample) }

  package func site(of address: IPAddress?) -> String {
    guard let address else { return "no answer" }
    return sites.first { $0.network.contains(address) }?.name ?? "\(address)"
  }

  package var failed: Int { samples.count(where: \.isFailed) }
  package var slow: Int { samples.count { isSlow($0) } }
  package var retried: Int { samples.count { $0.attempts > 1 } }

  func isSlow(_ sample: Sample) -> Bool { !sample.isFailed && sample.latency >= options.slow }

  /// The latency that so many of a hundred answered requests do not exceed; nil if none was answered.
  package func percentile(_ share: Double) -> Duration? {
    let answered = samples.filter { !$0.isFailed }.map(\.latency).sorted()
    guard !answered.isEmpty else { return nil }
    let rank = Int((Double(answered.count) * share / 100).rounded(.up))
    return answered[min(max(rank, 1), answered.count) - 1]
  }

  /// From each fault to the start of the last request that failed before the next mark; nil where
  /// none failed.
  package var recoveries: [(mark: Mark, time: Duration?)] {
    let marks = marks.sorted { $0.at < $1.at }
    return marks.enumerated().map { index, mark in
      let end = index + 1 < marks.count ? marks[index + 1].at : .seconds(1 << 30)
      // A request under way when the fault came fails by it too.
      let last = samples.filter {
        $0.isFailed && $0.start + $0.latency >= mark.at && $0.start < end
      }.map(\.start).max()
      return (mark, last.map { max(.zero, $0 - mark.at) })
    }
  }

  package static func == (a: Self, b: Self) -> Bool {
    a.options == b.options && a.samples == b.samples && a.marks == b.marks
  }
}

extension DriveReport {
  /// A second of the drive.
  package struct Row: Equatable, Sendable {
    package var second: Int
    package var requests = 0
    package var failed = 0
    package var slow = 0
    package var slowest = Duration.zero
    /// Answered requests by site.
    package var answered: [String: Int] = [:]
  }

  package var rows: [Row] {
    var rows: [Int: Row] = [:]
    for sample in samples {
      let second = Int(sample.start.components.seconds)
      var row = rows[second] ?? Row(second: second)
      row.requests += 1
      if sample.isFailed {
        row.failed += 1
      } else {
        row.answered[site(of: sample.address), default: 0] += 1
      }
      if isSlow(sample) { row.slow += 1 }
      row.slowest = max(row.slowest, sample.latency)
      rows[second] = row
    }
    return rows.values.sorted { $0.second < $1.second }
  }

  /// Failed and slow requests that came one after another for the same reason, and the faults, in order.
  package struct Event: Equatable, Sendable {
    package enum Kind: String, Sendable { case fault, failed, slow }
    package var kind: Kind
    package var from: Duration
    package var to: Duration
    package var count: Int
    package var text: String
  }

  package var timeline: [Event] {
    var events = marks.map { Event(kind: .fault, from: $0.at, to: $0.at, count: 1, text: $0.text) }
    var open: [String: Event] = [:]
    for sample in samples.sorted(by: { $0.start < $1.start })
    where sample.isFailed || isSlow(sample) {
      let kind: Event.Kind = sample.isFailed ? .failed : .slow
      let text = site(of: sample.address) + (sample.isFailed ? ": \(sample.reason)" : "")
      let key = kind.rawValue + text
      if var event = open[key], sample.start - event.to < .seconds(1) {
        event.to = sample.start
        event.count += 1
        open[key] = event
      } else {
        if let event = open[key] { events.append(event) }
        open[key] = Event(kind: kind, from: sample.start, to: sample.start, count: 1, text: text)
      }
    }
    return (events + open.values).sorted { ($0.from, $0.text) < ($1.from, $1.text) }
  }
}
