import Testing

/// Every interleaving of small cases of the protocols that have no lock. The mistakes show that a model would notice.
@Suite("protocols in every order of their steps")
struct ModelTests {
  @Test(
    "the completed prefix has been copied, and no record escapes a checkpoint", arguments: [(1, 2, 1, 2), (2, 1, 1, 1)])
  func insertion(inserters: Int, records: Int, reads: Int, checkpoints: Int) {
    let all = Interleavings(
      of: InsertionModel(inserters: inserters, records: records, reads: reads, checkpoints: checkpoints))
    #expect(all.violation == nil)
    #expect(all.stateCount > 1000 && all.finishedCount > 0, "\(all.stateCount) states")
  }

  @Test("a mistake in insertion is noticed", arguments: InsertionModel.Mistake.allCases)
  func insertionMistakes(mistake: InsertionModel.Mistake) {
    #expect(
      [(1, 2), (2, 1)].contains { inserters, records in
        let model = InsertionModel(inserters: inserters, records: records, reads: 1, checkpoints: 1, mistake: mistake)
        return Interleavings(of: model).violation != nil
      })
  }

  private static let groups = [(2, 1, false), (3, 1, false), (3, 2, false), (4, 1, true), (4, 2, true)]

  @Test("no committer sleeps for ever", arguments: groups)
  func groupCommit(committers: Int, batchesMax: Int, isUnderWay: Bool) {
    let all = Interleavings(
      of: GroupCommitModel(committers: committers, batchesMax: batchesMax, isUnderWay: isUnderWay))
    #expect(all.violation == nil)
    #expect(all.stateCount > 100 && all.finishedCount > 0)
  }

  @Test("a mistake in group commit is noticed", arguments: GroupCommitModel.Mistake.allCases)
  func groupCommitMistakes(mistake: GroupCommitModel.Mistake) {
    #expect(
      Self.groups.contains { committers, batchesMax, isUnderWay in
        let model = GroupCommitModel(
          committers: committers, batchesMax: batchesMax, isUnderWay: isUnderWay, mistake: mistake)
        return Interleavings(of: model).violation != nil
      })
  }

  @Test("the position is that of the longest prefix that has ended", arguments: 1...3)
  func completion(entries: Int) {
    let all = Interleavings(of: CompletionModel(entries: entries))
    #expect(all.violation == nil)
  }

  @Test("a mistake in completion is noticed", arguments: CompletionModel.Mistake.allCases)
  func completionMistakes(mistake: CompletionModel.Mistake) {
    #expect(Interleavings(of: CompletionModel(entries: 3, mistake: mistake)).violation != nil)
  }
}
