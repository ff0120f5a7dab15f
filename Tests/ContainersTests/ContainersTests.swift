import Containers
import Glibc
import Kubernetes
import Linux
import NetTypes
import Testing

@Suite struct ImageReferenceTests {
  @Test(arguments: [
    ("nginx", "docker.io/library/nginx:latest"),
    ("grafana/grafana:10", "docker.io/grafana/grafana:10"),
    ("atoll.dev/sample", "atoll.dev/sample:latest"),
    ("localhost:5000/a/b:c", "localhost:5000/a/b:c"),
    ("quay.io/x/y@sha256:abc", "quay.io/x/y@sha256:abc"),
  ])
  func `a reference is completed as Docker completes it`(text: String, whole: String) {
    #expect(ImageReference(text)?.description == whole)
  }

  @Test(arguments: ["", "a b", "nginx:", "/"])
  func `what names no image is refused`(text: String) {
    #expect(ImageReference(text) == nil)
  }
}

@Suite struct ContainerSpecTests {
  private func spec(_ change: (inout ContainerSpec) -> Void) throws -> ContainerSpec {
    var image = Image(reference: try #require(.sample), id: "x", root: "/r")
    image.entrypoint = ["/entry"]
    image.command = ["default"]
    image.environment = ["A=1", "B=2"]
    var spec = ContainerSpec(id: "c", image: image, logPath: "/l", controlGroup: "/atoll/u/p/c")
    change(&spec)
    return spec
  }

  @Test func `command and arguments replace the image's as Kubernetes says`() throws {
    #expect(try spec { _ in }.process == ["/entry", "default"])
    #expect(try spec { $0.arguments = ["x"] }.process == ["/entry", "x"])
    #expect(try spec { $0.command = ["/bin/y"] }.process == ["/bin/y"])
    #expect(
      try spec {
        $0.command = ["/bin/y"]
        $0.arguments = ["z"]
      }.process == ["/bin/y", "z"])
  }

  @Test func `the container's environment goes over the image's`() throws {
    let environment = try spec { $0.environment = [("B", "3"), ("C", "4")] }.fullEnvironment
    #expect(environment.filter { !$0.hasPrefix("PATH=") } == ["A=1", "B=3", "C=4"])
  }
}

/// A container from start to trace-free end, with a real runc.
@Suite(
  .serialized,
  .enabled(
    if: geteuid() == 0 && access("/usr/sbin/runc", X_OK) == 0, "needs root and runc"))
struct ContainerRuntimeTests {
  @Test @Loop func `a container runs, logs, takes commands, survives its agent, and goes`()
    async throws
  {
    let root = "/run/atoll-test-\(getpid())"
    let group = "/atoll-test-\(getpid())/pod/c"
    try FileSystem.makeDirectories(root)
    defer {
      try? FileSystem.removeTree(root)
      ControlGroups.remove("atoll-test-\(getpid())")
    }
    var image = Image(reference: try #require(.sample), id: "host", root: "/")
    image.entrypoint = ["/bin/sh", "-c"]
    image.command = ["echo ready; trap 'exit 7' TERM; while :; do sleep 0.05; done"]
    var spec = ContainerSpec(
      id: "test-\(getpid())", image: image, logPath: root + "/log", controlGroup: group)
    spec.hostname = "tested"
    spec.labels = ["pod": "p"]
    spec.memoryLimit = 64 << 20

    let runtime = try ContainerRuntime(state: root + "/state", runtime: root + "/runc")
    let container = try await runtime.start(spec)
    #expect(kill(container.pid, 0) == 0)
    let answer = try await runtime.execute(spec.id, ["hostname"], timeout: .seconds(10))
    #expect(answer.outputText == "tested\n" && answer.ending.isSuccess)
    while !(try FileSystem.readText(root + "/log").contains("ready")) {
      try await Loop.sleep(.milliseconds(10))
    }

    // A second runtime, as after a restart of the agent, finds and ends it.
    let successor = try ContainerRuntime(state: root + "/state", runtime: root + "/runc")
    let found = successor.containers()
    #expect(found.map(\.container.id) == [spec.id] && found.allSatisfy(\.isRunning))
    #expect(found.first?.container.labels == ["pod": "p"])
    let ended = Waiter()
    var exits: [ChildProcess.Ending] = []
    runtime.onExit = { _, ending in
      exits.append(ending)
      ended.resume()
    }
    successor.signal(spec.id, SIGTERM)
    try await ended.wait()
    #expect(exits == [.exited(7)] || exits == [.unknown])
    await successor.delete(spec.id)
    #expect(successor.containers().isEmpty)
    #expect(try Mount.all().allSatisfy { !$0.path.hasPrefix(root) })
  }

  @Test @Loop func `a command that is not in the image is said so`() async throws {
    let root = "/run/atoll-test-\(getpid())-bad"
    try FileSystem.makeDirectories(root)
    defer {
      try? FileSystem.removeTree(root)
      ControlGroups.remove("atoll-test-\(getpid())-bad")
    }
    let image = Image(reference: try #require(.sample), id: "host", root: "/")
    var spec = ContainerSpec(
      id: "bad-\(getpid())", image: image, logPath: root + "/log",
      controlGroup: "/atoll-test-\(getpid())-bad/c")
    spec.command = ["/no/such/program"]
    let runtime = try ContainerRuntime(state: root + "/state", runtime: root + "/runc")
    let error = await #expect(throws: ContainerError.self) { try await runtime.start(spec) }
    #expect(error?.description.contains("/no/such/program") == true)
    #expect(runtime.containers().isEmpty)
  }
}
