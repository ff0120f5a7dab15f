import Glibc
import KubeClient
import Kubernetes
import Linux

/// Takes single steps back from a fault. What is whole again already is no error.
@Loop struct FaultHealer {
  let targets: FaultTargets

  func perform(_ step: Fault.Undo) async throws {
    switch step {
    case .release(let owner, let role):
      unlink(UnitDirectory(unit: owner).drainMark(of: role))
    case .proceed(let pid, let started):
      if ProcessIdentity.startTime(of: pid) == started { kill(pid, SIGCONT) }
    case .endRelay(let pid, let started):
      if ProcessIdentity.startTime(of: pid) == started { kill(pid, SIGTERM) }
    case .plug(let mesh, let site):
      if MeshRegistry.kept(mesh) != nil { try MeshLines(mesh: mesh).plug(site) }
    case .linkUp(let namespace, let interface):
      guard NetworkNamespace.exists(named: namespace) else { return }
      try NetworkNamespace.open(named: namespace).with { try Netlink().setUp(interface) }
    case .reconnect(let mesh):
      guard let record = MeshRegistry.kept(mesh) else { return }
      try await MeshLines(mesh: mesh).applyCuts(try MeshPlan(record.configuration))
    case .behave(let application, let unit):
      guard let record = UnitRegistry.kept(unit) else { return }
      _ = try await FaultRunner.control(application, record, "behave", targets)
    case .up(let unit):
      guard let record = UnitRegistry.kept(unit) else { return }
      _ = try await EmbeddedUnit.up(
        record.configuration, sample: false, wait: .seconds(60), notices: []
      ) { _ in }
    }
  }
}
