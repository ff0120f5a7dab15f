import Containers
import Glibc
import Linux
import Testing

/// Images made by umoci(1) and skopeo(1), taken in and given back.
@Suite(
  .serialized,
  .enabled(
    if: geteuid() == 0 && access("/usr/bin/umoci", X_OK) == 0
      && access("/usr/bin/skopeo", X_OK) == 0,
    "needs root, umoci and skopeo"))
struct ImageStoreTests {
  let root = "/tmp/atoll-test-\(getpid())-images"

  /// A layout with one image, `TAG`, that holds one file and a configuration.
  @Loop private func makeLayout() async throws -> String {
    let layout = root + "/layout"
    try FileSystem.makeDirectories(root)
    try FileSystem.write("content\n", to: root + "/file")
    for command in [
      ["umoci", "init", "--layout", layout], ["umoci", "new", "--image", layout + ":one"],
      ["umoci", "insert", "--image", layout + ":one", root + "/file", "/bin/file"],
      [
        "umoci", "config", "--image", layout + ":one", "--config.entrypoint", "/bin/file",
        "--config.cmd", "run", "--config.env", "A=b", "--config.user", "7:8",
        "--config.workingdir", "/bin",
      ],
    ] {
      let result = try await ChildProcess.run(command)
      try #require(result.ending.isSuccess, "\(result.errorText)")
    }
    return layout
  }

  private func expectContent(_ image: Image, _ name: String) throws {
    #expect(image.reference.description == name)
    #expect(image.id.hasPrefix("sha256:"))
    #expect(image.entrypoint == ["/bin/file"] && image.command == ["run"])
    #expect(image.environment.contains("A=b") && image.user == "7:8")
    #expect(image.workingDirectory == "/bin")
    #expect(try FileSystem.readText(image.root + "/bin/file") == "content\n")
  }

  @Test @Loop func `layouts and archives of both kinds are taken in, again without a change`()
    async throws
  {
    defer { try? FileSystem.removeTree(root) }
    let layout = try await makeLayout()
    let store = ImageStore(root: root + "/store")
    let first = try await store.importImage(from: layout, as: "example.com/one:1")
    try expectContent(first, "example.com/one:1")
    // Its folder may be below a running container: the same folder, the same files.
    var before = stat()
    var after = stat()
    stat(first.root, &before)
    _ = try await store.importImage(from: layout, as: "example.com/one:1")
    stat(first.root, &after)
    #expect(before.st_ino == after.st_ino)

    for (kind, suffix) in [("docker-archive", ":other/two:2"), ("oci-archive", ":other/two:2")] {
      let archive = "\(root)/\(kind).tar"
      let copy = try await ChildProcess.run([
        "skopeo", "--insecure-policy", "copy", "-q", "oci:\(layout):one",
        "\(kind):\(archive)\(suffix)",
      ])
      try #require(copy.ending.isSuccess, "\(copy.errorText)")
      try expectContent(
        try await store.importImage(from: archive, as: nil), "docker.io/other/two:2")
      try store.remove(try #require(ImageReference("other/two:2")))
    }
    #expect(store.images().map(\.reference.description) == ["example.com/one:1"])
    try store.remove(first.reference)
    #expect(try FileSystem.list(root + "/store").isEmpty)
  }

  @Test @Loop func `what is no image, or names none, is refused with the reason`() async throws {
    defer { try? FileSystem.removeTree(root) }
    let layout = try await makeLayout()
    let store = ImageStore(root: root + "/store")
    for (path, name, reason) in [
      (root + "/nothing", nil, "expected an OCI layout"), (layout, nil, "--as NAME:TAG"),
      (root + "/file", "x:1", "x:1: "), (layout, "Not A Name", "--as NAME:TAG"),
    ] as [(String, String?, String)] {
      let error = await #expect(throws: ImageError.self) {
        try await store.importImage(from: path, as: name)
      }
      #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }
    #expect(store.images().isEmpty)
    #expect(((try? FileSystem.list(root + "/store")) ?? []).isEmpty)
  }

  @Test @Loop func `a registry that is not there is said so, to all who wait`() async throws {
    defer { try? FileSystem.removeTree(root) }
    let store = ImageStore(root: root + "/store", networkOf: getpid())
    let reference = try #require(ImageReference("127.0.0.1:9/none:1"))
    let second = Task { @Loop in try await store.pull(reference) }
    let cancelled = Task { @Loop in try await store.pull(reference) }
    cancelled.cancel()
    await #expect(throws: CancellationError.self) { try await cancelled.value }
    let error = await #expect(throws: ImageError.self) { try await store.pull(reference) }
    #expect(
      error?.description.contains("connection refused") == true, "\(error?.description ?? "")")
    await #expect(throws: ImageError.self) { try await second.value }
  }

  @Test @Loop func `names that differ only in their separators are two images`() async throws {
    defer { try? FileSystem.removeTree(root) }
    let layout = try await makeLayout()
    let store = ImageStore(root: root + "/store")
    _ = try await store.importImage(from: layout, as: "example.com/a/b:1")
    #expect(store.image(try #require(ImageReference("example.com/a-b:1"))) == nil)
    _ = try await store.importImage(from: layout, as: "example.com/a-b:1")
    #expect(store.images().count == 2)
  }

  @Test(.enabled(if: Sample.path != nil, "atoll-sample is not built"))
  @Loop func `the sample is made once, and older versions go`() async throws {
    defer { try? FileSystem.removeTree(root) }
    let store = ImageStore(root: root)
    let image = try store.ensureSample()
    #expect(try store.ensureSample() == image && store.images() == [image])
    let old = image.root.replacing("/rootfs", with: "-old")
    try FileSystem.makeDirectories(old + "/rootfs")
    try FileSystem.removeTree(
      "\(root)/\(try FileSystem.list(root).first { $0.hasSuffix("json") } ?? "")")
    _ = try store.ensureSample()
    #expect(!FileSystem.exists(old))
    #expect(try FileSystem.list(root).count == 2)
  }
}

@Suite struct ContainerLogTests {
  @Test func `a log above its limit loses its oldest blocks, while its writer goes on`() throws {
    // Beside the tests' own files: /tmp may be on a file system without holes.
    let path = "/tmp/atoll-test-\(getpid()).log"
    defer { unlink(path) }
    let writer = Descriptor(open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600))
    let line = Array(String(repeating: "x", count: 1023).utf8) + [10]
    for _ in 0..<400 { write(writer.rawValue, line, line.count) }
    ContainerLog.trim(path, limit: 1 << 20)
    var status = stat()
    stat(path, &status)
    #expect(status.st_size == 400 << 10)
    ContainerLog.trim(path, limit: 100 << 10)
    write(writer.rawValue, line, line.count)
    stat(path, &status)
    #expect(status.st_size == 401 << 10)
    #expect(status.st_blocks * 512 <= 60 << 10)
    #expect(try FileSystem.read(path).suffix(20 << 10).allSatisfy { $0 != 0 })
  }
}
