//! Catalog queries, all in one round trip. The server prints names on the search path without
//! their schema, so definitions come out unqualified.
//!
//! Objects are identified by their numbers; their names are put together in `read`. A function is
//! called only for a row that needs it.

use crate::dialect::catalog::{Query, SchemaLocation};
use crate::dialect::literals::single_quoted;

/// The queries, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    Relations,
    Columns,
    Indexes,
    OperatorClasses,
    Collations,
    Constraints,
    Sequences,
    Types,
    Ranges,
    Routines,
    Aggregates,
    Triggers,
    Rules,
    Policies,
    Statistics,
    Extensions,
    Operators,
    Inheritance,
    Dependencies,
    Comments,
    Access,
    Schema,
    Strangers,
}

pub const TOPICS: &[(Topic, usize, &str)] = &[
    (Topic::Relations, 17, RELATIONS),
    (Topic::Columns, 21, COLUMNS),
    (Topic::Indexes, 27, INDEXES),
    (Topic::OperatorClasses, 5, OPERATOR_CLASSES),
    (Topic::Collations, 9, COLLATIONS),
    (Topic::Constraints, 17, CONSTRAINTS),
    (Topic::Sequences, 12, SEQUENCES),
    (Topic::Types, 11, TYPES),
    (Topic::Ranges, 8, RANGES),
    (Topic::Routines, 9, ROUTINES),
    (Topic::Aggregates, 23, AGGREGATES),
    (Topic::Triggers, 5, TRIGGERS),
    (Topic::Rules, 5, RULES),
    (Topic::Policies, 8, POLICIES),
    (Topic::Statistics, 5, STATISTICS),
    (Topic::Extensions, 3, EXTENSIONS),
    (Topic::Operators, 13, OPERATORS),
    (Topic::Inheritance, 4, INHERITANCE),
    (Topic::Dependencies, 7, DEPENDENCIES),
    (Topic::Comments, 4, COMMENTS),
    (Topic::Access, 10, super::access::ACCESS),
    (Topic::Schema, 2, SCHEMA),
    (Topic::Strangers, 2, STRANGERS),
];

/// The catalog queries for one schema of a server.
pub fn queries(place: &SchemaLocation<'_>) -> Vec<Query> {
    let schema = single_quoted(super::super::schema_name(place.schema));
    let space = format!("(SELECT oid FROM pg_namespace WHERE nspname = {schema})");
    let version = place.server.version.major();
    TOPICS
        .iter()
        .map(|(_, columns, sql)| Query {
            sql: since(&sql.replace("{icu}", icu(version)), version)
                .replace("{key_type}", KEY_TYPE)
                .replace("{space}", &space)
                .replace("{schema}", &schema),
            columns: *columns,
        })
        .collect()
}

/// The catalog column with the locale of an ICU collation.
fn icu(version: u32) -> &'static str {
    match version {
        17.. => "c.colllocale",
        15..=16 => "c.colliculocale",
        _ => "NULL",
    }
}

/// Replaces choices by version: `{v15|x|y}` becomes `x` from 15 on, else `y`.
fn since(sql: &str, version: u32) -> String {
    let mut text = String::new();
    let mut rest = sql;
    while let Some((before, choice)) = rest.split_once("{v") {
        text.push_str(before);
        let Some((choice, behind)) = choice.split_once('}') else {
            break;
        };
        let mut parts = choice.splitn(3, '|');
        let needed: u32 = parts.next().and_then(|it| it.parse().ok()).unwrap_or(0);
        let (new, old) = (parts.next(), parts.next());
        text.push_str(if version >= needed { new } else { old }.unwrap_or_default());
        rest = behind;
    }
    text.push_str(rest);
    text
}

const RELATIONS: &str = "\
SELECT c.oid::text, c.relname::text, c.relkind::text, c.relpersistence::text, \
am.amname::text, s.spcname::text, c.reloptions::text, toast.reloptions::text, \
c.relrowsecurity::int::text, c.relforcerowsecurity::int::text, c.relreplident::text, \
CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END, \
CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END, \
CASE WHEN c.reloftype <> 0 THEN c.reloftype::regtype::text END, \
CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END, \
c.reltype::text, t.typarray::text \
FROM pg_class c LEFT JOIN pg_am am ON am.oid = c.relam \
LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace \
LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid AND toast.reloptions IS NOT NULL \
LEFT JOIN pg_type t ON t.oid = c.reltype \
WHERE c.relnamespace = {space} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c', 'S')";

/// What a column `a` of the type `t` has below its domain, and the collation by which values with other
/// bytes are equal.
pub const KEY_TYPE: &str = "\
CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN (WITH RECURSIVE below AS (\
SELECT t.typbasetype AS oid, t.typtypmod AS modifier UNION ALL SELECT d.typbasetype, \
greatest(below.modifier, d.typtypmod) FROM below JOIN pg_type d ON d.oid = below.oid \
WHERE d.typtype = 'd') SELECT CASE b.typtype WHEN 'e' THEN 'enum' \
ELSE format_type(below.oid, below.modifier) END FROM below JOIN pg_type b ON b.oid = below.oid \
WHERE b.typtype <> 'd') END, \
(SELECT o.collname::text FROM pg_collation o \
WHERE o.oid = a.attcollation AND NOT o.collisdeterministic)";

const COLUMNS: &str = "\
SELECT a.attrelid::text, a.attnum::text, a.attname::text, \
format_type(a.atttypid, a.atttypmod), a.atttypid::text, a.attnotnull::int::text, \
a.attidentity::text, a.attgenerated::text, a.attislocal::int::text, a.attinhcount::text, \
CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0 \
THEN a.attcollation::regcollation::text END, \
CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END, \
{v14|a.attcompression::text|''}, nullif(a.attstattarget, -1)::text, a.attoptions::text, \
ad.oid::text, CASE WHEN ad.oid IS NOT NULL THEN pg_get_expr(ad.adbin, \
CASE WHEN a.attgenerated = '' THEN 0 ELSE ad.adrelid END) END, \
c.relkind::text, a.attcollation::text, \
{key_type} \
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid \
LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum \
WHERE c.relnamespace = {space} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') \
ORDER BY a.attrelid, a.attnum";

const INDEXES: &str = "\
SELECT i.indexrelid::text, i.indrelid::text, c.relname::text, am.amname::text, \
i.indisunique::int::text, i.indisprimary::int::text, i.indisvalid::int::text, \
i.indisclustered::int::text, i.indisreplident::int::text, \
{v15|i.indnullsnotdistinct::int::text|'0'}, i.indnkeyatts::text, i.indkey::text, \
i.indclass::text, i.indcollation::text, i.indoption::text, c.reloptions::text, \
s.spcname::text, CASE WHEN i.indpred IS NOT NULL THEN pg_get_expr(i.indpred, i.indrelid) END, \
CASE WHEN i.indexprs IS NOT NULL THEN (SELECT array_agg(pg_get_indexdef(i.indexrelid, k, false) \
ORDER BY k) FROM generate_series(1, i.indnatts) k)::text END, \
CASE WHEN i.indexprs IS NOT NULL THEN (SELECT array_agg(a.atttypid ORDER BY a.attnum) \
FROM pg_attribute a WHERE a.attrelid = i.indexrelid)::text END, \
con.oid::text, con.contype::text, con.condeferrable::int::text, con.condeferred::int::text, \
CASE WHEN con.contype = 'x' THEN pg_get_constraintdef(con.oid) END, \
CASE WHEN c.relispartition THEN (SELECT p.relname FROM pg_inherits h JOIN pg_class p \
ON p.oid = h.inhparent WHERE h.inhrelid = c.oid) END::text, classes.parameters::text \
FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_am am ON am.oid = c.relam \
LEFT JOIN (SELECT attrelid, array_agg(attnum || ' ' || attoptions::text) AS parameters \
FROM pg_attribute WHERE attoptions IS NOT NULL GROUP BY attrelid) classes \
ON classes.attrelid = i.indexrelid \
LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace \
LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid AND con.conrelid = i.indrelid \
AND con.contype IN ('p', 'u', 'x') \
WHERE c.relnamespace = {space} AND c.relkind IN ('i', 'I')";

const OPERATOR_CLASSES: &str = "\
SELECT o.oid::text, o.opcname::text, o.opcdefault::int::text, o.opcintype::text, \
CASE WHEN n.nspname NOT IN ('pg_catalog', {schema}) THEN n.nspname::text END \
FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace";

const COLLATIONS: &str = "\
SELECT c.oid::text, c.collname::text, (c.collnamespace = {space})::int::text, \
c.collprovider::text, c.collisdeterministic::int::text, c.collcollate::text, c.collctype::text, \
{icu}::text, c.oid::regcollation::text FROM pg_collation c \
WHERE c.collnamespace = {space} OR c.oid IN (SELECT DISTINCT k FROM pg_index i, \
unnest(i.indcollation::oid[]) k WHERE k NOT IN (0, 100))";

const CONSTRAINTS: &str = "\
SELECT c.oid::text, c.conrelid::text, c.contypid::text, c.conname::text, c.contype::text, \
CASE WHEN c.contype = 'c' THEN pg_get_constraintdef(c.oid) END, \
c.coninhcount::text, c.conislocal::int::text, c.convalidated::int::text, \
c.conkey::text, CASE WHEN p.relnamespace <> {space} THEN c.confrelid::regclass::text END, \
CASE WHEN p.relnamespace <> {space} THEN (SELECT array_agg(a.attname ORDER BY k.n) \
FROM unnest(c.confkey) WITH ORDINALITY k(num, n) JOIN pg_attribute a \
ON a.attrelid = c.confrelid AND a.attnum = k.num)::text END, \
c.confdeltype::text || c.confupdtype::text || c.confmatchtype::text, \
c.condeferrable::int::text || c.condeferred::int::text, \
{v15|c.confdelsetcols::text|NULL::text}, c.confrelid::text, c.confkey::text \
FROM pg_constraint c LEFT JOIN pg_class p ON p.oid = c.confrelid AND c.contype = 'f' \
WHERE c.connamespace = {space} AND c.contype IN ('c', 'f') \
AND c.conparentid = 0";

const SEQUENCES: &str = "\
SELECT s.seqrelid::text, format_type(s.seqtypid, NULL), s.seqstart::text, s.seqincrement::text, \
s.seqmin::text, s.seqmax::text, s.seqcache::text, s.seqcycle::int::text, d.refobjid::text, \
d.refobjsubid::text, d.deptype::text, c.relpersistence::text \
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid \
LEFT JOIN pg_depend d ON d.classid = 1259 AND d.objid = s.seqrelid AND d.refclassid = 1259 \
AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') WHERE c.relnamespace = {space}";

const TYPES: &str = "\
SELECT t.oid::text, t.typname::text, t.typtype::text, t.typarray::text, \
CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END, \
t.typbasetype::text, t.typnotnull::int::text, \
CASE WHEN t.typtype = 'd' THEN pg_get_expr(t.typdefaultbin, 0) END, \
CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation \
THEN t.typcollation::regcollation::text END, \
CASE WHEN t.typtype = 'e' THEN (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) \
FROM pg_enum e WHERE e.enumtypid = t.oid)::text END, t.typcollation::text \
FROM pg_type t LEFT JOIN pg_type b ON b.oid = t.typbasetype \
WHERE t.typnamespace = {space} AND t.typtype IN ('e', 'd', 'r')";

const RANGES: &str = "\
SELECT r.rngtypid::text, format_type(r.rngsubtype, NULL), \
CASE WHEN NOT o.opcdefault THEN o.opcname::text END, \
CASE WHEN r.rngcollation <> s.typcollation THEN r.rngcollation::regcollation::text END, \
CASE WHEN r.rngcanonical <> 0 THEN r.rngcanonical::text END, \
CASE WHEN r.rngsubdiff <> 0 THEN r.rngsubdiff::text END, \
{v14|m.typname::text|NULL::text}, {v14|m.oid::text|NULL::text} \
FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid JOIN pg_opclass o ON o.oid = r.rngsubopc \
JOIN pg_type s ON s.oid = r.rngsubtype {v14|LEFT JOIN pg_type m ON m.oid = r.rngmultitypid|} \
WHERE t.typnamespace = {space}";

const ROUTINES: &str = "\
SELECT p.oid::text, p.proname::text, p.prokind::text, oidvectortypes(p.proargtypes), \
CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) \
ELSE pg_get_function_identity_arguments(p.oid) END, \
pg_get_function_result(p.oid), \
pg_get_function_identity_arguments(p.oid), \
p.pronargdefaults::text, l.lanname::text \
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = {space}";

const AGGREGATES: &str = "\
SELECT a.aggfnoid::oid::text, a.aggkind::text, a.aggtransfn::text, \
format_type(a.aggtranstype, NULL), nullif(a.aggtransspace, 0)::text, \
nullif(a.aggfinalfn::text, '-'), nullif(a.aggfinalextra, false)::text, \
a.aggfinalmodify::text, nullif(a.aggcombinefn::text, '-'), nullif(a.aggserialfn::text, '-'), \
nullif(a.aggdeserialfn::text, '-'), a.agginitval, nullif(a.aggmtransfn::text, '-'), \
nullif(a.aggminvtransfn::text, '-'), CASE WHEN a.aggmtranstype <> 0 \
THEN format_type(a.aggmtranstype, NULL) END, nullif(a.aggmtransspace, 0)::text, \
nullif(a.aggmfinalfn::text, '-'), nullif(a.aggmfinalextra, false)::text, a.aggmfinalmodify::text, \
a.aggminitval, nullif(a.aggsortop, 0)::regoperator::text, p.proparallel::text, p.prokind::text \
FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid WHERE p.pronamespace = {space}";

const TRIGGERS: &str = "\
SELECT t.oid::text, t.tgrelid::text, t.tgname::text, replace(replace( \
pg_get_triggerdef(t.oid), ' ON ' || quote_ident({schema}) || '.', ' ON '), \
' FROM ' || quote_ident({schema}) || '.', ' FROM '), \
t.tgenabled::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
WHERE c.relnamespace = {space} AND NOT t.tgisinternal {v13|AND t.tgparentid = 0|}";

const RULES: &str = "\
SELECT r.oid::text, r.ev_class::text, r.rulename::text, \
CASE WHEN r.rulename <> '_RETURN' THEN replace(pg_get_ruledef(r.oid), \
' TO ' || quote_ident({schema}) || '.', ' TO ') END, r.ev_enabled::text \
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = {space}";

const POLICIES: &str = "\
SELECT p.oid::text, p.polrelid::text, p.polname::text, p.polcmd::text, \
p.polpermissive::int::text, (SELECT array_agg(CASE WHEN k = 0 THEN 'PUBLIC' \
ELSE quote_ident(pg_get_userbyid(k)) END ORDER BY 1) FROM unnest(p.polroles) k)::text, \
pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid) \
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = {space}";

const STATISTICS: &str = "\
SELECT s.oid::text, s.stxname::text, s.stxrelid::text, replace(pg_get_statisticsobjdef(s.oid), \
'CREATE STATISTICS ' || quote_ident({schema}) || '.', 'CREATE STATISTICS '), \
nullif(s.stxstattarget, -1)::text FROM pg_statistic_ext s WHERE s.stxnamespace = {space}";

const EXTENSIONS: &str = "\
SELECT e.oid::text, e.extname::text, \
CASE WHEN e.extnamespace <> {space} THEN n.nspname::text END \
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace \
WHERE e.extname <> 'plpgsql' AND ({schema} = 'public' OR e.extnamespace = {space})";

const OPERATORS: &str = "\
SELECT o.oid::text, o.oprname::text, CASE WHEN o.oprleft <> 0 \
THEN format_type(o.oprleft, NULL) END, format_type(o.oprright, NULL), o.oprcode::text, \
nullif(o.oprcom, 0)::regoper::text, nullif(o.oprnegate, 0)::regoper::text, \
nullif(o.oprrest::text, '-'), nullif(o.oprjoin::text, '-'), o.oprcanhash::int::text, \
o.oprcanmerge::int::text, format_type(o.oprresult, NULL), o.oprkind::text \
FROM pg_operator o WHERE o.oprnamespace = {space} AND o.oprcode <> 0";

const INHERITANCE: &str = "\
SELECT h.inhrelid::text, h.inhparent::text, h.inhseqno::text, h.inhparent::regclass::text \
FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid \
WHERE c.relnamespace = {space} AND c.relkind IN ('r', 'p', 'f') \
ORDER BY h.inhrelid, h.inhseqno";

/// Numbers from 16384 on are not the server's own. What indexes and foreign keys have of tables
/// is in their own rows.
const DEPENDENCIES: &str = "\
SELECT classid::text, objid::text, objsubid::text, refclassid::text, refobjid::text, \
refobjsubid::text, deptype::text FROM pg_depend \
WHERE objid >= 16384 AND refobjid >= 16384 AND refclassid <> 2615 \
AND NOT (refclassid = 1259 AND classid IN (1259, 2606, 1247)) \
AND NOT (classid = 2620 AND refclassid = 2606) AND NOT (classid = 1247 AND deptype = 'i') \
AND deptype NOT IN ('P', 'S')";

const COMMENTS: &str = "\
SELECT classoid::text, objoid::text, objsubid::text, description FROM pg_description \
WHERE objoid >= 16384";

/// The schema itself. The schema of a new database has a comment that nobody wrote.
const SCHEMA: &str = "\
SELECT n.nspname::text, nullif(obj_description(n.oid, 'pg_namespace'), 'standard public schema') \
FROM pg_namespace n WHERE n.oid = {space}";

/// Everything of the schema and of its database that is read by nobody else. What belongs to an
/// extension comes with it. A database in a schema of its own shares the server's
/// database with others, whose objects are left out.
const STRANGERS: &str = "\
WITH member AS (SELECT classid, objid FROM pg_depend WHERE deptype IN ('e', 'i')), strange AS (\
SELECT 'pg_type'::regclass::oid AS class, t.oid, 'base type ' || t.typname AS what, \
concat_ws(' ', t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, \
t.typanalyze, {v14|t.typsubscript,|} t.typlen, t.typbyval, t.typalign, t.typstorage, t.typcategory, \
t.typispreferred, t.typdelim, t.typdefault) AS printed \
FROM pg_type t WHERE t.typnamespace = {space} AND t.typtype = 'b' AND t.typelem = 0 \
UNION ALL SELECT 'pg_opclass'::regclass, o.oid, 'operator class ' || o.opcname || ' (' \
|| am.amname || ')', concat_ws(' ', o.opcintype::regtype, o.opcdefault, \
CASE WHEN o.opckeytype <> 0 THEN o.opckeytype::regtype END, \
(SELECT f.opfname FROM pg_opfamily f WHERE f.oid = o.opcfamily)) \
FROM pg_opclass o JOIN pg_am am ON am.oid = o.opcmethod WHERE o.opcnamespace = {space} \
UNION ALL SELECT 'pg_opfamily'::regclass, o.oid, 'operator family ' || o.opfname || ' (' \
|| am.amname || ')', concat((SELECT string_agg(concat(amopstrategy, amopopr::regoperator, \
' ' || (SELECT opfname FROM pg_opfamily WHERE oid = amopsortfamily), \
CASE WHEN amoppurpose = 'o' THEN ' ordering' END), ', ' ORDER BY 1) FROM pg_amop \
WHERE amopfamily = o.oid), ' ', \
(SELECT string_agg(concat(amprocnum, amproc::regprocedure, ' ', amproclefttype::regtype, ' ', \
amprocrighttype::regtype), ', ' ORDER BY 1) FROM pg_amproc WHERE amprocfamily = o.oid)) \
FROM pg_opfamily o JOIN pg_am am ON am.oid = o.opfmethod WHERE o.opfnamespace = {space} \
UNION ALL SELECT 'pg_conversion'::regclass, o.oid, 'conversion ' || o.conname, \
concat_ws(' ', o.conforencoding, o.contoencoding, o.conproc, o.condefault) \
FROM pg_conversion o WHERE o.connamespace = {space} \
UNION ALL SELECT 'pg_ts_config'::regclass, o.oid, 'text search configuration ' || o.cfgname, \
concat_ws(' ', (SELECT prsname FROM pg_ts_parser WHERE oid = o.cfgparser), \
(SELECT string_agg(concat_ws(' ', m.maptokentype, m.mapseqno, m.mapdict::regdictionary), ', ' \
ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = o.oid)) \
FROM pg_ts_config o WHERE o.cfgnamespace = {space} \
UNION ALL SELECT 'pg_ts_dict'::regclass, o.oid, 'text search dictionary ' || o.dictname, \
concat(o.dictinitoption, ' ', (SELECT tmplname FROM pg_ts_template WHERE oid = o.dicttemplate)) \
FROM pg_ts_dict o WHERE o.dictnamespace = {space} \
UNION ALL SELECT 'pg_ts_parser'::regclass, o.oid, 'text search parser ' || o.prsname, \
concat_ws(' ', o.prsstart, o.prstoken, o.prsend, o.prsheadline, o.prslextype) FROM pg_ts_parser o WHERE o.prsnamespace = {space} \
UNION ALL SELECT 'pg_ts_template'::regclass, o.oid, 'text search template ' || o.tmplname, \
concat_ws(' ', o.tmplinit, o.tmpllexize) FROM pg_ts_template o WHERE o.tmplnamespace = {space} \
UNION ALL SELECT 'pg_cast'::regclass, o.oid, 'cast ' || format_type(o.castsource, NULL) || ' as ' \
|| format_type(o.casttarget, NULL), concat_ws(' ', o.castfunc::regprocedure, o.castcontext, \
o.castmethod) FROM pg_cast o WHERE o.oid >= 16384 \
UNION ALL SELECT 'pg_language'::regclass, o.oid, 'language ' || o.lanname, \
concat_ws(' ', o.lanpltrusted, o.lanplcallfoid::regproc, o.laninline::regproc, \
o.lanvalidator::regproc) FROM pg_language o WHERE o.oid >= 16384 \
UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, o.oid, 'foreign-data wrapper ' \
|| o.fdwname, concat_ws(' ', o.fdwhandler::regproc, o.fdwvalidator::regproc, (SELECT string_agg( \
split_part(k, '=', 1), ',') FROM unnest(o.fdwoptions) k)) FROM pg_foreign_data_wrapper o \
UNION ALL SELECT 'pg_foreign_server'::regclass, o.oid, 'foreign server ' || o.srvname, \
concat_ws(' ', (SELECT fdwname FROM pg_foreign_data_wrapper WHERE oid = o.srvfdw), o.srvtype, \
o.srvversion, (SELECT string_agg(CASE WHEN k LIKE 'password=%' \
THEN 'password' ELSE k END, ',') FROM unnest(o.srvoptions) k)) FROM pg_foreign_server o \
UNION ALL SELECT 'pg_class'::regclass, c.oid, 'foreign table ' || c.relname, \
concat_ws(' ', s.srvname, f.ftoptions, (SELECT string_agg(concat_ws(' ', a.attname, \
format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attfdwoptions), ', ' ORDER BY a.attnum) \
FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)) \
FROM pg_class c JOIN pg_foreign_table f ON f.ftrelid = c.oid \
JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE c.relnamespace = {space} \
UNION ALL SELECT 'pg_event_trigger'::regclass, o.oid, 'event trigger ' || o.evtname, \
concat_ws(' ', o.evtevent, o.evtfoid::regproc, o.evtenabled, o.evttags) FROM pg_event_trigger o \
UNION ALL SELECT 'pg_publication'::regclass, o.oid, 'publication ' || o.pubname, \
concat_ws(' ', o.puballtables, o.pubinsert, o.pubupdate, o.pubdelete, o.pubtruncate, \
{v13|o.pubviaroot,|} (SELECT string_agg(concat_ws(' ', r.prrelid::regclass \
{v15|, r.prattrs, pg_get_expr(r.prqual, r.prrelid)|}), ',' ORDER BY 1) \
FROM pg_publication_rel r WHERE r.prpubid = o.oid) \
{v15|, (SELECT string_agg(n.pnnspid::regnamespace::text, ',' ORDER BY 1) \
FROM pg_publication_namespace n WHERE n.pnpubid = o.oid)|}) FROM pg_publication o \
UNION ALL SELECT 'pg_subscription'::regclass, o.oid, 'subscription ' || o.subname, \
concat_ws(' ', o.subenabled, o.subpublications) FROM pg_subscription o \
WHERE o.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) \
UNION ALL SELECT 'pg_seclabel'::regclass, l.objoid, 'security label of ' || l.provider || ' for ' \
|| pg_describe_object(l.classoid, l.objoid, l.objsubid), l.label FROM pg_seclabel l \
UNION ALL SELECT 'pg_transform'::regclass, o.oid, 'transform for ' \
|| format_type(o.trftype, NULL), concat_ws(' ', (SELECT lanname FROM pg_language \
WHERE oid = o.trflang), o.trffromsql::regproc, o.trftosql::regproc) FROM pg_transform o \
UNION ALL SELECT 'pg_am'::regclass, o.oid, 'access method ' || o.amname, concat_ws(' ', o.amtype, o.amhandler) \
FROM pg_am o WHERE o.oid >= 16384 \
UNION ALL SELECT 'pg_namespace'::regclass, n.oid, 'schema ' || n.nspname, \
concat((SELECT string_agg(concat_ws(' ', c.relkind, c.relname, (SELECT string_agg(concat_ws(' ', \
a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull), ', ' ORDER BY a.attnum) \
FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), \
CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END), \
'; ' ORDER BY c.relname) FROM pg_class c WHERE c.relnamespace = n.oid \
AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)), \
(SELECT string_agg('; ' || p.proname || ' ' || md5(concat(p.prosrc, oidvectortypes(p.proargtypes))), '' \
ORDER BY p.proname, oidvectortypes(p.proargtypes)) FROM pg_proc p WHERE p.pronamespace = n.oid \
AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid)), \
(SELECT string_agg('; ' || t.typname, '' ORDER BY t.typname) FROM pg_type t \
WHERE t.typnamespace = n.oid AND t.typrelid = 0 AND t.typelem = 0 \
AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid))) \
FROM pg_namespace n WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'public', \
{schema}) AND n.nspname NOT LIKE 'pg\\_t%' AND {schema} = 'public') \
SELECT what, coalesce(printed, '') FROM strange \
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = strange.class AND m.objid = strange.oid) \
AND ({schema} = 'public' OR class IN ('pg_type'::regclass, 'pg_opclass'::regclass, \
'pg_opfamily'::regclass, 'pg_conversion'::regclass, 'pg_ts_config'::regclass, \
'pg_ts_dict'::regclass, 'pg_ts_parser'::regclass, 'pg_ts_template'::regclass, \
'pg_class'::regclass)) \
ORDER BY 1, 2";
