import Kubernetes
import Linux
import Logging

/// The last good objects on disk.
@Loop final class ObjectStore {
  private let path: String
  private var unsaved: EdgeObjects?
  private var saved: EdgeObjects?
  private var timer: Timer?
  private let log = Logger(label: "edge")

  init(path: String) { self.path = path }

  /// Nil if there are none, or what is there is damaged.
  func load() -> EdgeObjects? {
    guard let bytes = try? FileSystem.read(path) else { return nil }
    guard let json = try? JSON(parsing: bytes), let objects = EdgeObjects(json: json) else {
      log.warning("last good objects cannot be read", metadata: ["path": "\(path)"])
      return nil
    }
    saved = objects
    return objects
  }

  /// Writes a while later, once for many changes.
  func save(_ objects: EdgeObjects) {
    guard objects != saved else { return }
    unsaved = objects
    guard timer == nil else { return }
    timer = Loop.after(.milliseconds(500)) { [weak self] in self?.flush() }
  }

  func flush() {
    timer?.cancel()
    timer = nil
    guard let objects = unsaved else { return }
    unsaved = nil
    do {
      try FileSystem.write(objects.json.bytes, to: path, mode: 0o600)
      saved = objects
    } catch {
      log.warning("last good objects are not saved", metadata: ["reason": "\(error)"])
    }
  }
}
