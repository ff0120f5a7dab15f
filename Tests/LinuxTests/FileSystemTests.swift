import CLinux
import Glibc
import Linux
import Testing

@Suite struct FileSystemTests {
  @Test func `a tree is removed with its links, and not what they point to`() throws {
    let root = "/tmp/atoll-test-\(getpid())"
    try FileSystem.makeDirectories(root + "/a/b")
    try FileSystem.makeDirectories(root + "-kept")
    try FileSystem.write("x", to: root + "-kept/file")
    symlink(root + "-kept", root + "/a/link")
    try FileSystem.write("y", to: root + "/a/b/file", mode: 0o600)
    #expect(try FileSystem.readText(root + "/a/b/file") == "y")
    try FileSystem.removeTree(root)
    #expect(!FileSystem.exists(root))
    #expect(try FileSystem.readText(root + "-kept/file") == "x")
    try FileSystem.removeTree(root + "-kept")
  }

  @Test func `a tree deeper than any path, with names that are no text, is removed`() throws {
    let root = "/tmp/atoll-test-\(getpid())-deep"
    try FileSystem.makeDirectories(root)
    var folder = open(root, O_RDONLY | O_DIRECTORY)
    defer { close(folder) }
    let name: [CChar] = [-1, -2, 47 + 1, 0]
    for _ in 0..<3000 {
      try #require(mkdirat(folder, name, 0o755) == 0)
      let below = openat(folder, name, O_RDONLY | O_DIRECTORY)
      try #require(below >= 0)
      close(openat(below, "file", O_CREAT | O_WRONLY, 0o600))
      close(folder)
      folder = below
    }
    try FileSystem.removeTree(root)
    #expect(!FileSystem.exists(root))
    try FileSystem.removeTree(root)
  }

  @Test(.enabled(if: geteuid() == 0, "mounts need root"))
  func `what is mounted below a tree is not emptied with it`() throws {
    let root = "/tmp/atoll-test-\(getpid())-mount"
    try FileSystem.makeDirectories(root + "/tree/a b")
    try FileSystem.makeDirectories(root + "/kept")
    try FileSystem.write("x", to: root + "/kept/file")
    try #require(mount(root + "/kept", root + "/tree/a b", "", UInt(MS_BIND), nil) == 0)
    #expect(try Mount.all().contains { $0.path == root + "/tree/a b" })
    let error = #expect(throws: SystemError.self) { try FileSystem.removeTree(root + "/tree") }
    #expect(error?.code == EXDEV)
    #expect(try FileSystem.readText(root + "/kept/file") == "x")
    try Mount.remove(root + "/tree/a b")
    try Mount.remove(root + "/tree/a b")
    try FileSystem.removeTree(root)
  }

  @Test func `a link made in a foreign root leads nowhere outside it`() throws {
    let root = "/tmp/atoll-test-\(getpid())-root"
    try FileSystem.makeDirectories(root + "/etc")
    defer { try? FileSystem.removeTree(root) }
    try FileSystem.write("inside", to: root + "/etc/real")
    symlink("/etc/real", root + "/etc/good")
    symlink("../../../../../../etc/hostname", root + "/etc/out")
    mkfifo(root + "/etc/pipe", 0o600)
    #expect(try FileSystem.read("etc/good", inRoot: root) == Array("inside".utf8))
    for name in ["etc/out", "etc/pipe", "etc"] {
      #expect(throws: SystemError.self) { try FileSystem.read(name, inRoot: root) }
    }
    #expect(throws: SystemError.self) {
      try FileSystem.read("etc/real", inRoot: root, limit: 3)
    }
  }

  @Test func `a write that fails leaves the old content and nothing beside it`() throws {
    let root = "/tmp/atoll-test-\(getpid())-write"
    try FileSystem.makeDirectories(root + "/taken/x")
    defer { try? FileSystem.removeTree(root) }
    #expect(throws: SystemError.self) { try FileSystem.write("y", to: root + "/taken") }
    #expect(try FileSystem.list(root) == ["taken"])
  }
}
