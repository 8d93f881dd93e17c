//! What SQLite tells of its tables: its pragmas, which know what it made of the texts.

use bird::db::shadow::Shadow;

/// Tables, columns, keys and foreign keys by the pragmas; views and triggers by their texts, without
/// layout.
const ASKED: &[&str] = &[
    "SELECT l.type, l.name, l.wr, l.strict FROM pragma_table_list l \
     WHERE l.schema = 'main' AND l.name NOT LIKE 'sqlite%' ORDER BY 2",
    "SELECT lower(m.name), x.cid, x.name, upper(x.type), x.\"notnull\", \
     CASE WHEN upper(x.dflt_value) = 'NULL' THEN NULL ELSE x.dflt_value END, x.pk, x.hidden \
     FROM sqlite_schema m, pragma_table_xinfo(m.name) x WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite%' ORDER BY 1, 2",
    "SELECT m.name, CASE WHEN l.origin = 'c' THEN l.name END, l.\"unique\", l.origin, l.partial, \
     (SELECT group_concat(coalesce(x.name, '?' || x.cid) || ' ' || x.\"desc\" || ' ' || upper(x.coll) || ' ' || x.\"key\") \
      FROM pragma_index_xinfo(l.name) x) \
     FROM sqlite_schema m, pragma_index_list(m.name) l WHERE m.type = 'table' ORDER BY 1, 2, 3, 4, 5, 6",
    "SELECT m.name, lower(f.\"table\"), f.on_update, f.on_delete, \
     group_concat(lower(f.\"from\") || '>' || lower(coalesce(f.\"to\", \
      (SELECT p.name FROM pragma_table_info(f.\"table\") p WHERE p.pk = f.seq + 1), '?'))) AS columns \
     FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table' \
     GROUP BY m.name, f.id ORDER BY 1, 2, 3, 4, 5",
    "SELECT type, name, tbl_name FROM sqlite_schema \
     WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' ORDER BY 1, 2",
];

/// A line for each thing.
pub async fn dump(shadow: &mut Shadow) -> Vec<String> {
    let mut output = Vec::new();
    for sql in ASKED {
        match shadow.session.rows(sql).await {
            Ok(rows) => {
                for row in rows {
                    let cells = row.into_iter().map(|cell| shown(cell.as_deref()));
                    let cells: Vec<String> = cells.collect();
                    output.push(cells.join(" | "));
                }
            }
            Err(error) => output.push(error.to_string()),
        }
    }
    let texts = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY 1, 2";
    for row in shadow.session.rows(texts).await.unwrap_or_default() {
        if let [Some(kind), Some(name), Some(sql)] = row.as_slice()
            && (kind == "view" || kind == "trigger")
        {
            let text = squeezed(&uncommented(sql))
                .replace("foreachrow", "")
                .replace("before", "")
                .replace("==", "=")
                .replace("!=", "<>");
            output.push(format!("{kind} {name} {text}"));
        }
    }
    output
}

fn shown(cell: Option<&str>) -> String {
    // A literal in parentheses is the literal.
    let Some(cell) = cell else {
        return "-".to_owned();
    };
    let cell = uncommented(cell);
    let mut text = cell.trim();
    while let Some(inner) = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
    {
        text = inner;
    }
    squeezed(text)
}

fn uncommented(sql: &str) -> String {
    let (mut text, mut quote, mut at) = (String::new(), None, 0);
    while let Some(sign) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let comment = match quote {
            None if rest.starts_with("--") => rest.find('\n').or(Some(rest.len())),
            None if rest.starts_with("/*") => rest.find("*/").map(|end| end + 2),
            _ => None,
        };
        match quote {
            Some(open) if sign == open => quote = None,
            None if "\"'`".contains(sign) => quote = Some(sign),
            None if sign == '[' => quote = Some(']'),
            _ => {}
        }
        match comment {
            Some(length) => {
                quote = None;
                at += length;
            }
            None => {
                text.push(sign);
                at += sign.len_utf8();
            }
        }
    }
    text
}

/// Without blanks, quotes and case; what then differs does so for certain.
fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|sign| !sign.is_whitespace() && !"\"`[]'".contains(*sign))
        .flat_map(char::to_lowercase)
        .collect()
}
