import Kubernetes
import NetTypes
import Testing

struct ProtobufTests {
  /// One length-delimited field.
  func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
    [UInt8(number << 3 | 2), UInt8(bytes.count)] + bytes
  }

  func field(_ number: Int, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

  func integer(_ number: Int, _ value: UInt8) -> [UInt8] { [UInt8(number << 3), value] }

  func envelope(_ kind: String, _ version: String, _ raw: [UInt8]) -> [UInt8] {
    Array("k8s\0".utf8) + field(1, field(1, version) + field(2, kind)) + field(2, raw)
  }

  @Test func `a config map is read`() throws {
    let metadata = field(1, "m") + field(2, "") + field(3, "default") + field(8, [])
    let raw =
      field(1, metadata) + field(2, field(1, "a") + field(2, "b"))
      + field(3, field(1, "bin") + field(2, [0xFF, 0x00]))
    #expect(
      try Protobuf.decode(envelope("ConfigMap", "v1", raw)) == [
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": ["name": "m", "namespace": "default"], "data": ["a": "b"],
        "binaryData": ["bin": "/wA="],
      ])
  }

  @Test func `a service keeps zeros that mean something and drops those that do not`() throws {
    let port =
      field(2, "TCP") + integer(3, 80)
      + field(
        4,
        integer(1, 1) + integer(2, 0)
          + field(3, "http")) + integer(5, 0)
    let raw =
      field(1, field(1, "s")) + field(2, field(1, port) + field(4, "ClusterIP"))
      + field(3, field(1, []))
    #expect(
      try Protobuf.decode(envelope("Service", "v1", raw))["spec"] == [
        "ports": [["protocol": "TCP", "port": 80, "targetPort": "http"]], "type": "ClusterIP",
      ])
  }

  @Test func `replicas of zero stay`() throws {
    let raw = field(1, field(1, "d")) + field(2, integer(1, 0))
    let object = try Protobuf.decode(envelope("Deployment", "apps/v1", raw))
    #expect(object["spec"]["replicas"] == 0)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `damaged messages fail without a trap`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let good = envelope(
      "Service", "v1", field(1, field(1, "s")) + field(2, field(1, integer(3, 80))))
    for _ in 0..<2000 {
      var bytes = good
      for _ in 0..<4 {
        bytes[Int.random(in: 4..<bytes.count, using: &random)] = .random(
          in: 0...255, using: &random)
      }
      _ = try? Protobuf.decode(Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))))
    }
  }

  @Test func `a kind that is not known is named`() {
    let error = #expect(throws: Protobuf.Failure.self) {
      try Protobuf.decode(envelope("Job", "batch/v1", []))
    }
    #expect(error?.description == "kind \"Job\" is not known in protobuf form; send JSON")
  }
}
