//! Containment rules of SQLite.

use crate::dialect::containment::{Rules, Signs};

const FILES: &str = "reads or writes other files";

pub static RULES: Rules = Rules {
    heads: &[
        (&["PRAGMA", "TEMP_STORE_DIRECTORY"], FILES),
        (&["PRAGMA", "DATA_STORE_DIRECTORY"], FILES),
    ],
    signs: &[
        (&["VACUUM", "INTO"], FILES),
        (&["VACUUM", "MAIN", "INTO"], FILES),
    ],
    functions: FUNCTIONS,
    values: &[("USING", &["CSV", "FSDIR", "ZIPFILE", "VSV", "FILE"], FILES)],
    shared: &[],
    catalogs: &[],
    globals: &[],
    untrusted: &[],
    dynamic: None,
    grants_inside: false,
    scope_query: None,
    routines_query: None,
    mode: None,
    event_kind: None,
    qualified: None,
};

const FUNCTIONS: Signs = &[
    (&["load_extension"], "loads a library into bird"),
    (
        &[
            "readfile",
            "writefile",
            "edit",
            "fsdir",
            "lsmode",
            "zipfile",
        ],
        FILES,
    ),
    (&["fts3_tokenizer"], "accesses bird's memory"),
];
