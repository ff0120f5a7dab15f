import BGP
import NetTypes

/// What is told of a peer, and what is only counted: a peer that flaps is not to fill the log.
///
///     first few lines of a minute ─▶ told
///     more                        ─▶ counted ── the minute is over ─▶ one line with the count
struct PeerLogLimiter {
  /// Lines about one peer in one window.
  static let limit = 4
  static let window = Duration.seconds(60)

  private struct Window {
    var start: Instant
    var told = 0
    var untold = 0
  }

  /// How many lines of a peer were left out of a window that is over.
  struct Summary: Equatable {
    var peer: IPAddress
    var untold: Int
  }

  private var windows: [IPAddress: Window] = [:]

  /// Whether a line about the peer is told now.
  mutating func tells(_ peer: IPAddress, at now: Instant) -> Bool {
    var window = windows[peer] ?? Window(start: now)
    // One with lines left out is closed by its summary.
    if window.untold == 0, window.start.duration(to: now) >= Self.window {
      window = Window(start: now)
    }
    let tells = window.told < Self.limit
    if tells { window.told += 1 } else { window.untold += 1 }
    windows[peer] = window
    return tells
  }

  /// When the next summary is due.
  var deadline: Instant? {
    windows.values.filter { $0.untold > 0 }.map { $0.start.advanced(by: Self.window) }.min()
  }

  /// The summaries that are due, by peer; their windows begin anew.
  mutating func summaries(at now: Instant) -> [Summary] {
    let over = windows.filter { $0.value.start.duration(to: now) >= Self.window }
    for peer in over.keys { windows[peer] = nil }
    return over.filter { $0.value.untold > 0 }.map { Summary(peer: $0, untold: $1.untold) }
      .sorted { $0.peer < $1.peer }
  }
}
