/// Which of the ways to get a relation's rows are kept (PostgreSQL's add_path and set_cheapest,
/// src/backend/optimizer/util/pathnode.c).
extension RelationInfo {
  private enum CostOrder { case equal, better, worse, different }

  /// `STD_FUZZ_FACTOR`.
  private static let fuzz = 1.01

  /// Costs that differ by less than a hundredth are the same.
  private func compare(_ first: Path, _ second: Path) -> CostOrder {
    let fuzz = Self.fuzz
    if first.disabled != second.disabled { return first.disabled < second.disabled ? .better : .worse }
    func matters(_ path: Path) -> Bool { considersStartup && path.required.isEmpty }
    if first.total > second.total * fuzz {
      return matters(first) && second.startup > first.startup * fuzz ? .different : .worse
    }
    if second.total > first.total * fuzz {
      return matters(second) && first.startup > second.startup * fuzz ? .different : .better
    }
    if first.startup > second.startup * fuzz { return .worse }
    if second.startup > first.startup * fuzz { return .better }
    return .equal
  }

  /// Adds a way, unless one that is known is as good in every respect; those that it beats are gone.
  func add(_ path: Path) {
    let order = path.required.isEmpty ? path.ordering : []
    var kept: [Path] = []
    kept.reserveCapacity(paths.count + 1)
    var isWanted = true
    for known in paths {
      guard isWanted else {
        kept.append(known)
        continue
      }
      let knownOrder = known.required.isEmpty ? known.ordering : []
      switch verdict(path, known, order.compare(knownOrder)) {
      case .keepsBoth: kept.append(known)
      case .replaces: break
      case .isBeaten:
        kept.append(known)
        isWanted = false
      }
    }
    if isWanted {
      // The cheapest come first.
      let place = kept.firstIndex { known in
        path.disabled < known.disabled || (path.disabled == known.disabled && path.total < known.total)
      }
      kept.insert(path, at: place ?? kept.count)
    }
    paths = kept
  }

  private enum Verdict { case keepsBoth, replaces, isBeaten }

  private func verdict(_ new: Path, _ old: Path, _ order: PathKeyOrder) -> Verdict {
    let cost = compare(new, old)
    if cost == .different || order == .different { return .keepsBoth }
    let isSubset = new.required.isSubset(of: old.required)
    let isSuperset = old.required.isSubset(of: new.required)
    switch cost {
    case .equal:
      if order == .better, isSubset, new.rows <= old.rows { return .replaces }
      if order == .worse, isSuperset, new.rows >= old.rows { return .isBeaten }
      guard order == .equal else { return .keepsBoth }
      if isSubset, isSuperset {
        if new.rows < old.rows { return .replaces }
        if new.rows > old.rows { return .isBeaten }
        return isSlightlyBetter(new, old) ? .replaces : .isBeaten
      }
      if isSubset, new.rows <= old.rows { return .replaces }
      if isSuperset, new.rows >= old.rows { return .isBeaten }
      return .keepsBoth
    case .better:
      return order != .worse && isSubset && new.rows <= old.rows ? .replaces : .keepsBoth
    case .worse:
      return order != .better && isSuperset && new.rows >= old.rows ? .isBeaten : .keepsBoth
    case .different: return .keepsBoth
    }
  }

  /// Where all else is equal, a hair decides.
  private func isSlightlyBetter(_ new: Path, _ old: Path) -> Bool {
    let tiny = 1.0000000001
    if new.disabled != old.disabled { return new.disabled < old.disabled }
    return new.total * tiny < old.total || (new.total <= old.total * tiny && new.startup * tiny < old.startup)
  }

  /// Finds the cheapest of what was added.
  func setCheapest() {
    var startup: Path?
    var total: Path?
    var parameterized: [Path] = []
    for path in paths {
      guard path.required.isEmpty else {
        parameterized.append(path)
        continue
      }
      if let known = total {
        if path.isCheaper(than: known) { total = path }
      } else {
        total = path
      }
      if let known = startup {
        if path.startsEarlier(than: known) { startup = path }
      } else {
        startup = path
      }
    }
    cheapestTotal = total ?? parameterized.min { $0.required.count < $1.required.count }
    cheapestStartup = startup
    cheapestParameterized = (total.map { [$0] } ?? []) + parameterized
  }
}

extension Path {
  /// By total cost, then by startup cost, then by order.
  func isCheaper(than other: Path) -> Bool {
    if disabled != other.disabled { return disabled < other.disabled }
    if total != other.total { return total < other.total }
    if startup != other.startup { return startup < other.startup }
    return ordering.compare(other.ordering) == .better
  }

  func startsEarlier(than other: Path) -> Bool {
    if disabled != other.disabled { return disabled < other.disabled }
    if startup != other.startup { return startup < other.startup }
    if total != other.total { return total < other.total }
    return ordering.compare(other.ordering) == .better
  }

  /// Which one is cheaper if only a part of the rows is fetched (`compare_fractional_path_costs`).
  func isCheaper(than other: Path, fraction: Double) -> Bool {
    if fraction <= 0 || fraction >= 1 { return isCheaper(than: other) }
    if disabled != other.disabled { return disabled < other.disabled }
    let own = startup + fraction * (total - startup)
    return own < other.startup + fraction * (other.total - other.startup)
  }
}
