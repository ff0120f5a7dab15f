import Kubernetes
import NetTypes
import Testing

@testable import NodeService

@Suite struct ProbeTests {
  private func probed(_ probes: [String: JSON]) -> JSON {
    pod { object in
      for (kind, probe) in probes {
        object["spec"]["containers"][0]["\(kind)Probe"] = probe
        object["spec"]["containers"][0]["\(kind)Probe"]["tcpSocket"] = ["port": 80]
      }
    }
  }

  @Test func `a container that listens after 50 ms is ready soon, not a period later`() {
    var pod = SimulatedPod(probed(["readiness": ["periodSeconds": 10]]))
    pod.probe = { _, _, elapsed in
      elapsed >= .milliseconds(60) ? .success : .failure("connection refused")
    }
    pod.advance(.milliseconds(40))
    #expect(!pod.lifecycle.isReady)
    #expect(
      pod.status["conditions"].elements.first { $0["type"] == "Ready" }?["message"]
        == "containers with unready status: [web]")
    pod.advance(.milliseconds(140))
    #expect(pod.lifecycle.isReady)
    #expect(pod.times("Warning Unhealthy").count == 1)
  }

  @Test func `readiness is lost after the failure threshold and regained by one success`() {
    var pod = SimulatedPod(
      probed(["readiness": ["periodSeconds": 1, "failureThreshold": 3]]))
    pod.probe = { _, _, elapsed in
      elapsed > .seconds(10) && elapsed < .seconds(20)
        ? .failure("HTTP probe failed with statuscode: 500") : .success
    }
    pod.advance(.seconds(12))
    #expect(pod.lifecycle.isReady)
    pod.advance(.seconds(2))
    #expect(!pod.lifecycle.isReady)
    #expect(pod.lifecycle.phase == .running)
    #expect(
      pod.steps.contains(
        "Warning Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 500"))
    pod.advance(.seconds(8))
    #expect(pod.lifecycle.isReady)
    #expect(!pod.steps.contains("TERM web"))
  }

  @Test func `a flap below the threshold changes nothing`() {
    var pod = SimulatedPod(probed(["readiness": ["periodSeconds": 1, "failureThreshold": 3]]))
    var count = 0
    for second in 0..<60 {
      pod.probe = { _, _, _ in second % 3 == 0 ? .success : .failure("x") }
      pod.advance(.seconds(1))
      if !pod.lifecycle.isReady { count += 1 }
    }
    #expect(count == 0)
  }

  @Test func `a failed liveness probe restarts the container`() {
    var pod = SimulatedPod(
      probed(["liveness": ["periodSeconds": 2, "failureThreshold": 2, "initialDelaySeconds": 4]]))
    pod.probe = { _, _, elapsed in elapsed < .seconds(9) ? .failure("timeout") : .success }
    pod.advance(.seconds(3))
    #expect(pod.times("Warning Unhealthy").isEmpty)
    pod.advance(.seconds(27))
    #expect(pod.times("Warning Unhealthy") == [4, 6])
    #expect(
      pod.steps.contains("Normal Killing: Container web failed liveness probe, will be restarted"))
    #expect(pod.times("TERM web") == [6])
    #expect(pod.times("start web") == [0, 6])
    #expect(pod.status["containerStatuses"][0]["restartCount"] == 1)
  }

  @Test func `liveness and readiness wait for a slow start`() {
    var pod = SimulatedPod(
      probed([
        "startup": ["periodSeconds": 5, "failureThreshold": 10],
        "liveness": ["periodSeconds": 1, "failureThreshold": 1], "readiness": [:],
      ]))
    pod.probe = { _, _, elapsed in elapsed < .seconds(30) ? .failure("starting") : .success }
    pod.advance(.seconds(29))
    #expect(!pod.lifecycle.isReady)
    #expect(pod.status["containerStatuses"][0]["started"] == false)
    #expect(!pod.steps.contains("TERM web"))
    pod.advance(.seconds(7))
    #expect(pod.lifecycle.isReady)
    #expect(pod.status["containerStatuses"][0]["started"] == true)
  }

  @Test func `a container that never starts is restarted after its startup probe's threshold`() {
    var pod = SimulatedPod(probed(["startup": ["periodSeconds": 2, "failureThreshold": 3]]))
    pod.probe = { _, _, _ in .failure("starting") }
    pod.advance(.seconds(5))
    #expect(pod.times("TERM web") == [4])
  }

  @Test func `a container without a probe is ready as soon as it runs`() {
    var pod = SimulatedPod(pod())
    pod.advance(.milliseconds(11))
    #expect(pod.lifecycle.isReady)
  }
}
