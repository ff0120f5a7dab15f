import Glibc
import Kubernetes
import Linux
import NetTypes
import Testing

@testable import Containers

@Suite struct ImageReferenceTests {
  @Test(arguments: [
    ("nginx", "docker.io/library/nginx:latest"),
    ("grafana/grafana:10", "docker.io/grafana/grafana:10"),
    ("atoll.dev/sample", "atoll.dev/sample:latest"),
    ("localhost:5000/a/b:c", "localhost:5000/a/b:c"),
    ("quay.io/x/y@sha256:abc", "quay.io/x/y@sha256:abc"),
    ("quay.io/x/y:1@sha256:abc", "quay.io/x/y@sha256:abc"),
    ("a__b/c-d.e:V_1.2-rc", "docker.io/a__b/c-d.e:V_1.2-rc"),
  ])
  func `a reference is completed as Docker completes it`(text: String, whole: String) {
    #expect(ImageReference(text)?.description == whole)
  }

  @Test(arguments: [
    "", "a b", "nginx:", "/", "Nginx", "a//b", "-a", "a/-b", "a:b:c", "a@b", "a@sha256:", "../a",
    "a:..",
    "a,b", "--help", "exa$mple.com/a",
  ])
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

@Suite struct ContainerUserTests {
  private func user(
    _ name: String, _ change: (inout ContainerSpec) -> Void = { _ in }
  ) throws -> ContainerUser {
    let root = "/tmp/atoll-test-\(getpid())-user-\(UInt32.random(in: 0...UInt32.max))"
    defer { try? FileSystem.removeTree(root) }
    try FileSystem.makeDirectories(root + "/etc")
    try FileSystem.write(
      "root:x:0:0::/:/bin/sh\nweb:x:101:102::/:/bin/false\n", to: root + "/etc/passwd")
    try FileSystem.write(
      "root:x:0:\nweb:x:102:\nlogs:x:7:other,web\nnone:x:9:webby\n", to: root + "/etc/group")
    var image = Image(reference: try #require(.sample), id: "x", root: root)
    image.user = name
    var spec = ContainerSpec(id: "c", image: image, logPath: "/l", controlGroup: "/g")
    change(&spec)
    return try ContainerUser(of: spec)
  }

  @Test(
    arguments: [
      ("", 0, 0, []), ("web", 101, 102, [7]), ("101", 101, 102, [7]), ("web:logs", 101, 7, []),
      ("web:5", 101, 5, [7]), ("1234", 1234, 0, []), ("0:102", 0, 102, []),
    ] as [(String, UInt32, UInt32, [UInt32])])
  func `an image's user is looked up in the image`(
    name: String, userID: UInt32, groupID: UInt32, groups: [UInt32]
  ) throws {
    let found = try user(name)
    #expect(found.userID == userID && found.groupID == groupID)
    #expect(found.additionalGroups == groups)
  }

  @Test func `the specification's numbers go over the image's names`() throws {
    let other = try user("web:logs") {
      $0.userID = 5
      $0.supplementaryGroups = [44]
    }
    #expect(other.userID == 5 && other.groupID == 0 && other.additionalGroups == [44])
    let group = try user("web") { $0.groupID = 9 }
    #expect(group.userID == 101 && group.groupID == 9)
  }

  @Test func `a name the image does not know is refused, and root where it must not be`() {
    #expect(throws: ContainerError.self) { try user("nobody-here") }
    #expect(throws: ContainerError.self) { try user("web:nogroup") }
    #expect(throws: ContainerError.self) { try user("") { $0.mustNotBeRoot = true } }
    #expect(throws: Never.self) { try user("web") { $0.mustNotBeRoot = true } }
  }
}
