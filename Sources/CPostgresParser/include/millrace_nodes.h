// The nodes of PostgreSQL 15's raw parse trees that are handed over, each with all its fields. A field that is missing
// here could be dropped without anybody noticing, so a test compares this list with nodes/parsenodes.h and
// nodes/primnodes.h. The order is that of the declarations, except where a reader needs to know some fields before it
// comes to others. What is not listed is handed over as "unsupported".
//
// `NodeTag type` and `Expr xpr`, which say what a node is, are not listed.

#ifndef MILLRACE_NODES_H
#define MILLRACE_NODES_H

#define MILLRACE_NODES(NODE)                                                                                          \
    NODE(Alias, aliasname, colnames)                                                                                \
    NODE(RangeVar, catalogname, schemaname, relname, inh, relpersistence, alias, location)                          \
    NODE(TypeName, pct_type, names, typeOid, setof, typmods, typemod, arrayBounds, location)                        \
    NODE(ColumnRef, fields, location)                                                                               \
    NODE(ParamRef, number, location)                                                                                \
    NODE(A_Expr, kind, name, lexpr, rexpr, location)                                                                \
    NODE(TypeCast, arg, typeName, location)                                                                         \
    NODE(CollateClause, arg, collname, location)                                                                    \
    NODE(RoleSpec, roletype, rolename, location)                                                                    \
    NODE(FuncCall, funcname, args, agg_order, agg_filter, over, agg_within_group, agg_star, agg_distinct,           \
         func_variadic, funcformat, location)                                                                         \
    NODE(A_Star)                                                                                                    \
    NODE(A_Indices, is_slice, lidx, uidx)                                                                           \
    NODE(A_Indirection, arg, indirection)                                                                           \
    NODE(A_ArrayExpr, elements, location)                                                                           \
    NODE(ResTarget, name, indirection, val, location)                                                               \
    NODE(MultiAssignRef, colno, ncolumns, source)                                                                   \
    NODE(SortBy, node, sortby_dir, sortby_nulls, useOp, location)                                                   \
    NODE(WindowDef, name, refname, partitionClause, orderClause, frameOptions, startOffset, endOffset, location)    \
    NODE(RangeSubselect, lateral, subquery, alias)                                                                  \
    NODE(RangeFunction, lateral, ordinality, is_rowsfrom, functions, alias, coldeflist)                             \
    NODE(RangeTableSample, relation, method, args, repeatable, location)                                            \
    NODE(ColumnDef, colname, typeName, compression, inhcount, is_local, is_not_null, is_from_type, storage,         \
         raw_default, cooked_default, identity, identitySequence, generated, collClause, collOid, constraints,        \
         fdwoptions, location)                                                                                        \
    NODE(TableLikeClause, relation, options, relationOid)                                                           \
    NODE(IndexElem, name, expr, indexcolname, collation, opclass, opclassopts, ordering, nulls_ordering)            \
    NODE(DefElem, defnamespace, defname, arg, defaction, location)                                                  \
    NODE(LockingClause, lockedRels, strength, waitPolicy)                                                           \
    NODE(NamedArgExpr, arg, name, argnumber, location)                                                              \
    NODE(GroupingFunc, args, refs, cols, agglevelsup, location)                                                     \
    NODE(BoolExpr, boolop, args, location)                                                                          \
    NODE(SubLink, subLinkType, subLinkId, testexpr, operName, subselect, location)                                  \
    NODE(CaseExpr, casetype, casecollid, arg, args, defresult, location)                                            \
    NODE(CaseWhen, expr, result, location)                                                                          \
    NODE(RowExpr, args, row_typeid, row_format, colnames, location)                                                 \
    NODE(CoalesceExpr, coalescetype, coalescecollid, args, location)                                                \
    NODE(MinMaxExpr, minmaxtype, minmaxcollid, inputcollid, op, args, location)                                     \
    NODE(SQLValueFunction, op, type, typmod,                                                                          \
         location)                                                                                                    \
    NODE(NullTest, arg, nulltesttype, argisrow, location)                                                           \
    NODE(BooleanTest, arg, booltesttype, location)                                                                  \
    NODE(SetToDefault, typeId, typeMod, collation, location)                                                        \
    NODE(CurrentOfExpr, cvarno, cursor_name, cursor_param)                                                          \
    NODE(JoinExpr, jointype, isNatural, larg, rarg, usingClause, join_using_alias, quals, alias, rtindex)           \
    NODE(IntoClause, rel, colNames, accessMethod, options, onCommit, tableSpaceName, viewQuery, skipData)           \
    NODE(GroupingSet, kind, content, location)                                                                      \
    NODE(WithClause, ctes, recursive, location)                                                                     \
    NODE(InferClause, indexElems, whereClause, conname, location)                                                   \
    NODE(OnConflictClause, action, infer, targetList, whereClause, location)                                        \
    NODE(CommonTableExpr, ctename, aliascolnames, ctematerialized, ctequery, search_clause, cycle_clause,           \
         location, cterecursive, cterefcount, ctecolnames, ctecoltypes, ctecoltypmods, ctecolcollations)              \
    NODE(Constraint, contype, conname, deferrable, initdeferred, location, is_no_inherit, raw_expr, cooked_expr,    \
         generated_when, nulls_not_distinct, keys, including, exclusions, options, indexname, indexspace,             \
         reset_default_tblspc, access_method, where_clause, pktable, fk_attrs, pk_attrs, fk_matchtype,                \
         fk_upd_action, fk_del_action, fk_del_set_cols, old_conpfeqop, old_pktable_oid, skip_validation,              \
         initially_valid)                                                                                             \
    NODE(AccessPriv, priv_name, cols)                                                                               \
    NODE(ObjectWithArgs, objname, objargs, objfuncargs, args_unspecified)                                           \
    NODE(VacuumRelation, relation, oid, va_cols)                                                                    \
    NODE(RawStmt, stmt_location, stmt_len, stmt)                                                                    \
    NODE(SelectStmt, distinctClause, intoClause, targetList, fromClause, whereClause, groupClause, groupDistinct,   \
         havingClause, windowClause, valuesLists, sortClause, limitOffset, limitCount, limitOption, lockingClause,    \
         withClause, op, all, larg, rarg)                                                                             \
    NODE(InsertStmt, relation, cols, selectStmt, onConflictClause, returningList, withClause, override)             \
    NODE(UpdateStmt, relation, targetList, whereClause, fromClause, returningList, withClause)                      \
    NODE(DeleteStmt, relation, usingClause, whereClause, returningList, withClause)                                 \
    NODE(CreateStmt, partbound, partspec, ofTypename, relation, tableElts, inhRelations, constraints, options,      \
         oncommit, tablespacename, accessMethod, if_not_exists)                                                       \
    NODE(AlterTableStmt, objtype, relation, cmds, missing_ok)                                                       \
    NODE(AlterTableCmd, subtype, name, num, newowner, def, behavior, missing_ok, recurse)                           \
    NODE(IndexStmt, idxname, relation, accessMethod, tableSpace, indexParams, indexIncludingParams, options,        \
         whereClause, excludeOpNames, idxcomment, indexOid, oldNode, oldCreateSubid, oldFirstRelfilenodeSubid,        \
         unique, nulls_not_distinct, primary, isconstraint, deferrable, initdeferred, transformed, concurrent,        \
         if_not_exists, reset_default_tblspc)                                                                         \
    NODE(CreateSeqStmt, sequence, options, ownerId, for_identity, if_not_exists)                                    \
    NODE(AlterSeqStmt, sequence, options, for_identity, missing_ok)                                                 \
    NODE(ViewStmt, view, aliases, query, replace, options, withCheckOption)                                         \
    NODE(CreateTableAsStmt, objtype, query, into, is_select_into, if_not_exists)                                    \
    NODE(DropStmt, removeType, objects, behavior, missing_ok, concurrent)                                           \
    NODE(TruncateStmt, relations, restart_seqs, behavior)                                                           \
    NODE(RenameStmt, renameType, relationType, relation, object, subname, newname, behavior, missing_ok)            \
    NODE(AlterObjectSchemaStmt, objectType, relation, object, newschema, missing_ok)                                \
    NODE(AlterOwnerStmt, objectType, relation, object, newowner)                                                    \
    NODE(CommentStmt, objtype, object, comment)                                                                     \
    NODE(CreateSchemaStmt, schemaname, authrole, schemaElts, if_not_exists)                                         \
    NODE(CreatedbStmt, dbname, options)                                                                             \
    NODE(AlterDatabaseStmt, dbname, options)                                                                        \
    NODE(AlterDatabaseSetStmt, dbname, setstmt)                                                                     \
    NODE(DropdbStmt, dbname, missing_ok, options)                                                                   \
    NODE(GrantStmt, targtype, objtype, is_grant, objects, privileges, grantees, grant_option, grantor, behavior)    \
    NODE(GrantRoleStmt, granted_roles, grantee_roles, is_grant, admin_opt, grantor, behavior)                       \
    NODE(CreateRoleStmt, stmt_type, role, options)                                                                  \
    NODE(AlterRoleStmt, role, options, action)                                                                      \
    NODE(AlterRoleSetStmt, role, database, setstmt)                                                                 \
    NODE(DropRoleStmt, roles, missing_ok)                                                                           \
    NODE(TransactionStmt, kind, options, savepoint_name, gid, chain)                                                \
    NODE(VariableSetStmt, kind, name, args, is_local)                                                               \
    NODE(VariableShowStmt, name)                                                                                    \
    NODE(AlterSystemStmt, setstmt)                                                                                  \
    NODE(DiscardStmt, target)                                                                                       \
    NODE(ConstraintsSetStmt, constraints, deferred)                                                                 \
    NODE(LockStmt, relations, mode, nowait)                                                                         \
    NODE(PrepareStmt, name, argtypes, query)                                                                        \
    NODE(ExecuteStmt, name, params)                                                                                 \
    NODE(DeallocateStmt, name)                                                                                      \
    NODE(DeclareCursorStmt, portalname, options, query)                                                             \
    NODE(FetchStmt, direction, howMany, portalname, ismove)                                                         \
    NODE(ClosePortalStmt, portalname)                                                                               \
    NODE(CopyStmt, relation, query, attlist, is_from, is_program, filename, options, whereClause)                   \
    NODE(ExplainStmt, query, options)                                                                               \
    NODE(VacuumStmt, options, rels, is_vacuumcmd)                                                                   \
    NODE(CheckPointStmt)                                                                                            \
    NODE(ReindexStmt, kind, relation, name, params)                                                                 \
    NODE(UnlistenStmt, conditionname)

#endif
