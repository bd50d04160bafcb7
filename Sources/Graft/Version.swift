/// The version of this build of Graft.
public enum GraftVersion {
  public static let current = "0.1.0"
}
