import Intent
import Kubernetes
import NetTypes
import Testing
import Wire

@testable import NodeService

@Suite struct CalicoStateTests {
  private var watched: CalicoObjects.Watched {
    var watched = CalicoObjects.Watched()
    watched.peers[ResourceName(name: "edge")] = [
      "metadata": ["name": "edge", "uid": "1"],
      "spec": ["password": ["secretKeyRef": ["name": "bgp", "key": "edge"]]],
    ]
    watched.configurations[ResourceName(name: "default")] = [
      "metadata": ["name": "default"],
      "spec": ["nodeMeshPassword": ["secretKeyRef": ["name": "bgp", "key": "mesh"]]],
    ]
    watched.secrets[ResourceName(namespace: "kube-system", name: "bgp")] = [
      "data": ["edge": .string(Base64.encode(Array("s3cret\n".utf8)))]
    ]
    return watched
  }

  @Test func `passwords are those of the Secrets that peers and mesh name`() {
    let keys = watched.state.passwordKeys
    #expect(keys == Set(["edge", "mesh"].map { CalicoSecretKey(name: "bgp", key: $0) }))
    #expect(watched.passwords(keys) == [CalicoSecretKey(name: "bgp", key: "edge"): "s3cret"])
  }

  @Test func `what is kept on the disk is read back as it was`() throws {
    var state = watched.state
    state.passwords = watched.passwords(state.passwordKeys)
    state.serviceRoutes = [try #require(IPPrefix("10.43.0.0/16"))]
    #expect(CalicoState(json: try JSON(parsing: state.json.bytes)) == state)
  }

  @Test func `a problem's object is found by its kind and name`() {
    let reference = watched.state.reference("BGPPeer edge")
    #expect(reference?.uid == "1")
    #expect(reference?.groupVersionKind.kind == "BGPPeer")
    #expect(watched.state.reference("BGPPeer other") == nil)
  }
}
