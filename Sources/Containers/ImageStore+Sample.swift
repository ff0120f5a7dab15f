import CLinux
import Glibc
import Linux

extension ImageStore {
  /// The built-in sample, taken anew from the executable when that has changed.
  package func ensureSample() throws -> Image {
    guard let reference = ImageReference.sample else { throw ImageError("no sample reference") }
    let executable = try Self.sampleExecutable()
    var status = stat()
    try system("stat", executable) { stat(executable, &status) }
    let id = "sample-\(status.st_size)-\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    if let image = image(reference), image.id == id { return image }
    let folder = "\(root)/\(Self.name(reference))-\(id)"
    if !FileSystem.isDirectory(folder) {
      let work = folder + ".\(getpid()).tmp"
      defer { try? FileSystem.removeTree(work) }
      for name in ["proc", "sys", "dev", "etc", "tmp"] {
        try FileSystem.makeDirectories("\(work)/rootfs/\(name)")
      }
      try FileSystem.write(
        try FileSystem.read(executable), to: work + "/rootfs/atoll-sample", mode: 0o755,
        isDurable: false)
      try FileSystem.write("root:x:0:0:root:/:/\n", to: work + "/rootfs/etc/passwd")
      try Self.publish(work, as: folder)
    }
    var image = Image(reference: reference, id: id, root: folder + "/rootfs")
    image.entrypoint = ["/atoll-sample"]
    image.size = Int(status.st_size)
    try add(image)
    removeUnused(beside: folder, prefix: Self.name(reference) + "-sample-")
    return image
  }

  /// Removes the other versions' folders that no container has mounted.
  private func removeUnused(beside folder: String, prefix: String) {
    for name in (try? FileSystem.list(root)) ?? [] where name.hasPrefix(prefix) {
      let other = "\(root)/\(name)"
      if other != folder, !name.hasSuffix(".tmp"), !Self.isMounted(other) {
        try? FileSystem.removeTree(other)
      }
    }
  }

  private static func sampleExecutable() throws -> String {
    let own = try FileSystem.executablePath()
    let folder = own.split(separator: "/").dropLast().joined(separator: "/")
    let places = ["/\(folder)/atoll-sample", "/\(folder)/../libexec/atoll/atoll-sample"]
    guard let found = places.first(where: { FileSystem.exists($0) }) else {
      throw ImageError(
        "\(sampleName): its executable is at none of \(places.joined(separator: ", "))")
    }
    return found
  }
}
