/// What stops a unit from being built or run, as the operator reads it: what was found, what was
/// expected, and what to do.
package struct UnitError: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
