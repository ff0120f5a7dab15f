import Kubernetes
import NetTypes
import Testing

@testable import NodeService

@Suite struct PodLifecycleTests {
  @Test func `a pod is set up, starts and becomes ready`() {
    var pod = SimulatedPod(pod())
    pod.send(.tick)
    #expect(pod.lifecycle.phase == .pending)
    #expect(pod.containerState().at("waiting.reason") == "ContainerCreating")
    pod.advance(.milliseconds(20))
    #expect(pod.steps == ["pull web", "start web 0", "Normal Started: Started container web"])
    #expect(pod.lifecycle.phase == .running)
    #expect(pod.lifecycle.isReady)
    #expect(pod.status["podIP"] == "10.53.0.7")
    #expect(pod.status["hostIP"] == "172.19.0.3")
  }

  @Test func `a crashing container waits 10, 20, 40, … 300 seconds, as CrashLoopBackOff`() {
    var pod = SimulatedPod(pod())
    pod.runs["web"] = (seconds: 1, code: 1)
    pod.advance(.seconds(5))
    #expect(
      pod.containerState() == [
        "waiting": [
          "reason": "CrashLoopBackOff",
          "message": "back-off 10s restarting failed container=web pod=web-1_default(u1)",
        ]
      ])
    #expect(pod.status["containerStatuses"][0].at("lastState.terminated.exitCode") == 1)
    #expect(pod.status["containerStatuses"][0].at("lastState.terminated.reason") == "Error")
    #expect(pod.lifecycle.phase == .running)
    #expect(!pod.lifecycle.isReady)
    pod.advance(.seconds(1200))
    #expect(pod.times("start web") == [0, 1, 12, 33, 74, 155, 316, 617, 918])
    #expect(
      pod.steps.contains(
        "Warning BackOff: Back-off restarting failed container web in pod web-1_default(u1)"))
  }

  @Test func `a container that ran for longer than ten minutes starts over without delay`() {
    var pod = SimulatedPod(pod())
    pod.runs["web"] = (seconds: 700, code: 1)
    pod.advance(.seconds(2200))
    #expect(pod.times("start web") == [0, 700, 1400, 2100])
  }

  @Test(arguments: [
    ("Always", 0, "Running", 2), ("OnFailure", 0, "Succeeded", 1), ("OnFailure", 1, "Running", 2),
    ("Never", 0, "Succeeded", 1), ("Never", 3, "Failed", 1),
  ])
  func `the restart policy decides what an exit means`(
    policy: String, code: Int, phase: String, starts: Int
  ) {
    var pod = SimulatedPod(pod { $0["spec"]["restartPolicy"] = .string(policy) })
    pod.runs["web"] = (seconds: 2, code: code)
    pod.advance(.seconds(3))
    #expect(pod.lifecycle.phase.rawValue == phase)
    #expect(pod.times("start web").count == starts)
  }

  @Test func `init containers run in order before the others`() {
    var pod = SimulatedPod(
      pod {
        $0["spec"]["initContainers"] = [
          ["name": "one", "image": "a:1"], ["name": "two", "image": "b:1"],
        ]
      })
    pod.runs["one"] = (seconds: 2, code: 0)
    pod.runs["two"] = (seconds: 2, code: 0)
    pod.advance(.seconds(1))
    #expect(pod.containerState().at("waiting.reason") == "PodInitializing")
    #expect(
      pod.status["conditions"].elements.first { $0["type"] == "Initialized" }?["message"]
        == "containers with incomplete status: [one two]")
    pod.advance(.seconds(5))
    #expect(pod.times("start one") == [0])
    #expect(pod.times("start two") == [2])
    #expect(pod.times("start web") == [4])
    #expect(pod.lifecycle.phase == .running)
    #expect(pod.status["initContainerStatuses"][1].at("state.terminated.reason") == "Completed")
  }

  @Test func `a failing init container is repeated, or fails the pod that never restarts`() {
    var object = pod { $0["spec"]["initContainers"] = [["name": "one", "image": "a:1"]] }
    var again = SimulatedPod(object)
    again.runs["one"] = (seconds: 1, code: 1)
    again.advance(.seconds(15))
    #expect(again.times("start one").count == 3)
    #expect(again.lifecycle.phase == .pending)
    object["spec"]["restartPolicy"] = "Never"
    var never = SimulatedPod(object)
    never.runs["one"] = (seconds: 1, code: 1)
    never.advance(.seconds(15))
    #expect(never.times("start one").count == 1)
    #expect(never.lifecycle.phase == .failed)
  }

  @Test func `a sidecar runs beside the containers that follow it`() {
    var pod = SimulatedPod(
      pod {
        $0["spec"]["initContainers"] = [
          ["name": "proxy", "image": "a:1", "restartPolicy": "Always"]
        ]
      })
    pod.advance(.seconds(1))
    #expect(pod.lifecycle.isReady)
    #expect(pod.lifecycle.containers.filter(\.isRunning).count == 2)
  }

  @Test func `a failing pull shows ErrImagePull, then ImagePullBackOff, and is tried again`() {
    var pod = SimulatedPod(pod())
    pod.images["web"] = .pull("no route to registry")
    pod.advance(.milliseconds(500))
    #expect(
      pod.containerState()
        == ["waiting": ["reason": "ErrImagePull", "message": "no route to registry"]])
    pod.advance(.seconds(2))
    #expect(pod.containerState().at("waiting.reason") == "ImagePullBackOff")
    #expect(
      pod.containerState().at("waiting.message")
        == "Back-off pulling image \"atoll.dev/sample:latest\": ErrImagePull: no route to registry")
    #expect(pod.steps.contains("Warning Failed: Error: ImagePullBackOff"))
    pod.images = [:]
    pod.advance(.seconds(10))
    #expect(pod.lifecycle.isReady)
    #expect(pod.times("pull web") == [0, 10])
  }

  @Test func `an image that may not be pulled shows ErrImageNeverPull`() {
    var pod = SimulatedPod(pod { $0["spec"]["containers"][0]["imagePullPolicy"] = "Never" })
    pod.images["web"] = .absent
    pod.advance(.seconds(1))
    #expect(pod.containerState().at("waiting.reason") == "ErrImageNeverPull")
  }

  @Test func `a missing ConfigMap holds the container until it comes`() {
    var pod = SimulatedPod(pod())
    pod.startFailures["web"] = .configuration("configmap \"x\" not found")
    pod.advance(.seconds(1))
    #expect(
      pod.containerState() == [
        "waiting": [
          "reason": "CreateContainerConfigError", "message": "configmap \"x\" not found",
        ]
      ])
    pod.startFailures = [:]
    pod.send(.configurationChanged)
    pod.advance(.milliseconds(100))
    #expect(pod.lifecycle.isReady)
  }

  @Test func `a process that cannot run counts as exited with 128`() {
    var pod = SimulatedPod(pod())
    pod.startFailures["web"] = .run("exec: \"nope\": not found")
    pod.advance(.seconds(1))
    let status = pod.status["containerStatuses"][0]
    #expect(status.at("lastState.terminated.reason") == "StartError")
    #expect(status.at("lastState.terminated.exitCode") == 128)
    #expect(status.at("state.waiting.reason") == "CrashLoopBackOff")
  }

  @Test func `network and volumes are tried again, with an event each time`() {
    var pod = SimulatedPod(pod())
    pod.networkFailure = .init(reason: "FailedCreatePodSandBox", message: "block is full")
    pod.volumeFailure = .init(reason: "FailedMount", message: "MountVolume.SetUp failed")
    pod.advance(.seconds(3))
    #expect(pod.times("Warning FailedCreatePodSandBox").count >= 3)
    #expect(pod.times("Warning FailedMount").count >= 2)
    pod.networkFailure = nil
    pod.volumeFailure = nil
    pod.advance(.seconds(3))
    #expect(pod.lifecycle.isReady)
  }
}

@Suite struct PodAdoptionTests {
  private let now = Moment(instant: .zero, time: Timestamp(unixSeconds: 1_800_000_000))

  @Test func `a pod found finished is set up no more`() {
    var lifecycle = PodLifecycle(
      PodSpecification(object: pod { $0["spec"]["restartPolicy"] = "Never" }), at: now)
    let exit = ContainerLifecycle.Exit(
      id: "runc://x", exitCode: 0, reason: "Completed", finishedAt: now.time)
    lifecycle.adopt(container: "web", ContainerObservation(state: .exited(exit)), at: now)
    #expect(lifecycle.handle(.tick, at: now) == [.tearDown])
    #expect(lifecycle.phase == .succeeded)
  }

  @Test func `a container found running stays ready and is not started again`() {
    let object = pod {
      $0["spec"]["containers"][0]["readinessProbe"] = ["tcpSocket": ["port": 80]]
    }
    var lifecycle = PodLifecycle(PodSpecification(object: object), at: now)
    var found = ContainerObservation(state: .running(id: "runc://x", startedAt: now.time))
    found.imageID = "sha256:1"
    found.wasReady = true
    found.restartCount = 3
    lifecycle.adopt(container: "web", found, at: now)
    lifecycle.adopt(
      addresses: [.v4(IPv4Address(10, 53, 0, 7))], startTime: now.time, volumesAreReady: true)
    let actions = lifecycle.handle(.tick, at: now)
    #expect(lifecycle.isReady)
    #expect(lifecycle.containers[0].restartCount == 3)
    #expect(
      actions.allSatisfy {
        if case .probe = $0 { true } else { false }
      })
  }
}

@Suite struct PodTerminationTests {
  private func deleted(_ grace: Int) -> PodLifecycle.Event {
    .specification(
      PodSpecification(
        object: pod {
          $0["metadata"]["deletionTimestamp"] = "2027-01-15T08:00:00Z"
          $0["metadata"]["deletionGracePeriodSeconds"] = JSON(grace)
        }))
  }

  @Test func `deletion sends TERM, waits, frees the network and deletes the object`() {
    var pod = SimulatedPod(pod())
    pod.advance(.seconds(1))
    pod.stopDelay = .seconds(3)
    pod.send(deleted(30))
    pod.advance(.seconds(1))
    #expect(pod.lifecycle.phase == .running)
    pod.advance(.seconds(10))
    #expect(
      pod.steps.suffix(4) == [
        "Normal Killing: Stopping container web", "TERM web", "tear down", "finalize",
      ])
    #expect(pod.times("finalize") == [4])
    #expect(pod.lifecycle.stage == .gone)
    #expect(pod.lifecycle.phase == .failed)
  }

  @Test func `a container that ignores TERM is killed when its grace ends`() {
    var pod = SimulatedPod(pod())
    pod.advance(.seconds(1))
    pod.stubborn = ["web"]
    pod.send(deleted(5))
    pod.advance(.seconds(20))
    #expect(pod.times("TERM") == [1])
    #expect(pod.times("KILL") == [6])
    #expect(pod.times("finalize") == [6])
  }

  @Test func `a shorter second deletion shortens the grace`() {
    var pod = SimulatedPod(pod())
    pod.advance(.seconds(1))
    pod.stubborn = ["web"]
    pod.send(deleted(30))
    pod.advance(.seconds(1))
    pod.send(deleted(1))
    pod.advance(.seconds(20))
    #expect(pod.times("KILL") == [3])
  }

  @Test func `preStop comes before TERM and counts against the grace`() {
    let object = pod {
      $0["spec"]["containers"][0]["lifecycle"] = ["preStop": ["sleep": ["seconds": 4]]]
    }
    var pod = SimulatedPod(object)
    pod.advance(.seconds(1))
    pod.stubborn = ["web"]
    pod.send(deleted(10))
    pod.advance(.seconds(20))
    #expect(pod.times("preStop") == [1])
    #expect(pod.times("TERM") == [5])
    #expect(pod.times("KILL") == [11])
  }

  @Test func `a pod removed from the API is stopped soon and not deleted twice`() {
    var pod = SimulatedPod(pod())
    pod.advance(.seconds(1))
    pod.stubborn = ["web"]
    pod.send(.removed)
    pod.advance(.seconds(20))
    #expect(pod.times("KILL") == [3])
    #expect(pod.lifecycle.stage == .gone)
  }

  @Test func `a pod deleted while its container starts stops it as soon as it runs`() {
    var pod = SimulatedPod(pod())
    pod.advance(.milliseconds(6))
    #expect(pod.steps.last == "start web 0")
    pod.send(deleted(30))
    pod.advance(.seconds(1))
    #expect(pod.lifecycle.stage == .gone)
    #expect(pod.steps.contains("TERM web"))
  }

  @Test func `a finished pod frees its network and goes at once when it is deleted`() {
    var pod = SimulatedPod(pod { $0["spec"]["restartPolicy"] = "Never" })
    pod.runs["web"] = (seconds: 1, code: 0)
    pod.advance(.seconds(3))
    #expect(pod.lifecycle.stage == .completed)
    #expect(pod.times("tear down") == [1])
    pod.send(deleted(30))
    #expect(pod.times("finalize") == [3])
  }
}
