import MillraceTypes

extension SQLState {
}
