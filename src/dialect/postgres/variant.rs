//! Products that speak PostgreSQL's protocol.
//!
//! bird is not tested on them. Where one of them gets an implementation of its own, its differences
//! become a struct of values that PostgreSQL has and the product overrides, as in `mysql/variant.rs`.

/// The products, each by a word in what the server says of itself.
pub const LOOKALIKES: &[(&str, &str)] = &[
    ("cockroachdb", "CockroachDB"),
    ("-yb-", "YugabyteDB"),
    ("redshift", "Amazon Redshift"),
    ("greenplum", "Greenplum"),
];
