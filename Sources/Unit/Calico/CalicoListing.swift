import Intent
import Kubernetes
import Linux

/// What `calicoctl get` prints.
package struct CalicoListing: Sendable {
  package enum Format: String, Sendable, CaseIterable {
    case ps, wide, yaml, json, name
  }

  /// For standard output.
  package private(set) var output: String
  /// Of objects that could not be had.
  package private(set) var errors: [CalicoError] = []

  /// - Parameter names: Of objects; none: all of the kind.
  @Loop package init(
    _ kind: CalicoKind, names: [String], format: Format, _ client: CalicoClient
  ) async {
    var found: [JSON] = []
    do throws(CalicoError) {
      if names.isEmpty { found = [try await client.list(kind)] }
    } catch {
      errors.append(error)
    }
    for name in names {
      do throws(CalicoError) { found.append(try await client.get(kind, name)) } catch {
        errors.append(error)
      }
    }
    output = ""
    if found.isEmpty { return }
    output = Self.text(
      found, kind, format, clusterAS: format == .wide ? await client.clusterAS() : "")
  }

  /// The objects that files name.
  @Loop package static func of(
    _ objects: [JSON], format: Format, _ client: CalicoClient
  ) async -> CalicoListing {
    var listing = CalicoListing()
    for object in objects {
      guard let kind = object["kind"].string.flatMap(CalicoKind.init(rawValue:)) else { continue }
      let one = await CalicoListing(
        kind, names: [object["metadata"]["name"].string ?? ""], format: format, client)
      let separator = format == .yaml && !listing.output.isEmpty ? "---\n" : ""
      listing.output += separator + one.output
      listing.errors += one.errors
    }
    return listing
  }

  private init() { output = "" }

  static func text(
    _ found: [JSON], _ kind: CalicoKind, _ format: Format, clusterAS: String
  ) -> String {
    let whole = found.count == 1 ? found[0] : .array(found)
    let objects = found.flatMap { $0["items"].array ?? [$0] }
    switch format {
    case .yaml: return YAML.text(whole)
    case .json: return whole.prettyText + "\n"
    case .name:
      return objects.map {
        "\(kind.rawValue.lowercased())/\($0["metadata"]["name"].string ?? "")\n"
      }.joined()
    case .ps, .wide:
      // A table for each thing asked for, and a gap after each.
      return found.map {
        kind.table($0["items"].array ?? [$0], wide: format == .wide, clusterAS: clusterAS) + "\n"
      }.joined()
    }
  }
}
