import Glibc
import Kubernetes
import Linux
import Testing

@testable import KubeServer

@Loop
struct DurabilityTests {
  /// Copies the files as they are while the store is open, which is what `kill -9` leaves behind.
  @Test func `what was answered is there after the process is killed`() throws {
    let scratch = Scratch()
    let left = Scratch()
    let store = try Store(Store.Configuration(path: scratch.database))
    for index in 0..<200 { try store.create(.pods, pod("p\(index)")) }
    for index in stride(from: 0, to: 200, by: 2) {
      try store.delete(.pods, ResourceName(namespace: "default", name: "p\(index)"))
    }
    for suffix in ["", "-wal"] { copy(scratch.database + suffix, left.database + suffix) }
    let again = try Store(Store.Configuration(path: left.database))
    #expect(again.list(.pods).count == 100)
    #expect(again.revision == store.revision)
    #expect(again.list(.pods) == store.list(.pods))
  }

  @Test func `a definition serves its resources again after a restart`() throws {
    let scratch = Scratch()
    let widgets = GroupResource("widgets", group: "example.com")
    do {
      let store = try Store(Store.Configuration(path: scratch.database))
      try store.create(.customResourceDefinitions, APIServerTests.definition)
      try store.create(
        widgets, ["metadata": ["name": "w", "namespace": "default"], "spec": ["size": 1]])
    }
    let again = try Store(Store.Configuration(path: scratch.database))
    #expect(again.types.stored(widgets)?.kind == "Widget")
    #expect(again.list(widgets).count == 1)
  }

  @Test func `a file that is no database is refused`() {
    let scratch = Scratch()
    write("this is not a database, but it is long enough to have been one", scratch.database)
    #expect(throws: (any Error).self) {
      try Store(Store.Configuration(path: scratch.database))
    }
  }

  private func copy(_ from: String, _ to: String) {
    guard let source = fopen(from, "r"), let target = fopen(to, "w") else { return }
    defer {
      fclose(source)
      fclose(target)
    }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&buffer, 1, buffer.count, source), count > 0 {
      fwrite(buffer, 1, count, target)
    }
  }

  private func write(_ text: String, _ path: String) {
    guard let file = fopen(path, "w") else { return }
    fputs(text, file)
    fclose(file)
  }
}
