//! A table of a case in a database, asked in every way.

use std::collections::BTreeSet;

use bird::dialect::keys::Place;
use bird::model::schema::{Column, Table};
use bird::model::server::Server;
use bird::model::target::{FileTarget, ServerTarget, Target, Tls};

use super::*;

/// A case's table.
pub struct Laid<'a> {
    pub case: &'a Case,
    pub engine: Engine,
    pub session: &'a mut Session,
}

impl Laid<'_> {
    pub fn end<'e>(
        &self,
        table: &'e Table,
        server: &'e Server,
        filter: Option<&str>,
    ) -> Result<End<'e>, String> {
        let dialect = self.session.dialect;
        let place = Place {
            dialect,
            server,
            schema: dialect.facts().schema,
            database: None,
        };
        let columns: Vec<(&Column, Compare)> = self
            .case
            .columns()
            .iter()
            .zip(&self.case.compare)
            .map(|(name, compare)| (table.column(name).expect("the column"), compare.clone()))
            .collect();
        End::new(place, table, &columns, filter)
    }

    /// What a query gives: keys and what is none. Where an order is promised, it is kept.
    pub async fn counts(
        &mut self,
        asked: &Asked,
        in_order: bool,
    ) -> (Counts, BTreeMap<String, u64>) {
        let (to, mut from) = tokio::sync::mpsc::channel(64);
        let read = keys::read(self.session, asked, &to).await;
        read.unwrap_or_else(|error| panic!("{}\n{}", asked.sql, error.told()));
        drop(to);
        let (mut all, mut malformed, mut last) = (Counts::new(), BTreeMap::new(), None);
        while let Some(batch) = from.recv().await {
            for (key, rows) in batch.iter() {
                let key = key.to_vec();
                assert!(
                    !in_order || last.as_ref().is_none_or(|last| *last < key),
                    "{}: {key:02x?} comes behind {last:02x?}\n{}",
                    self.case.name,
                    asked.sql
                );
                *all.entry(key.clone()).or_default() += rows;
                last = Some(key);
            }
            for (told, rows) in &batch.malformed {
                *malformed.entry(told.clone()).or_default() += rows;
            }
        }
        (all, malformed)
    }

    /// Each row of the keys is found once, page by page, and again by what names it.
    pub async fn rows(&mut self, end: &End<'_>, keys: &[Vec<u8>]) {
        let id = end.table.column("id").expect("the column");
        let mut after: Option<After> = None;
        let mut all = Vec::new();
        loop {
            let asked = end.rows(&[id], keys, after.as_ref(), 2).expect("a query");
            let (found, next) = keys::rows(self.session, &asked)
                .await
                .unwrap_or_else(|error| panic!("{}\n{}", asked.sql, error.told()));
            all.extend(found);
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let ids: BTreeSet<&Vec<String>> = all.iter().map(|row| &row.identity).collect();
        assert_eq!(ids.len(), all.len(), "{}: a row came twice", self.case.name);
        let mut counts = Counts::new();
        for row in &all {
            *counts.entry(row.key.clone().expect("a key")).or_default() += 1;
        }
        assert_eq!(counts, self.case.expected(), "{}: rows", self.case.name);
        let names: Vec<Vec<String>> = all.iter().map(|row| row.identity.clone()).collect();
        let asked = end.again(&[id], &names).expect("a query");
        let (again, _) = keys::rows(self.session, &asked).await.expect("rows");
        assert_eq!(again.len(), all.len(), "{}: again", self.case.name);
        // The cells of a key name its rows too.
        let told: Vec<Vec<String>> = all.iter().map(|row| row.told.clone()).collect();
        let asked = end.again(&end.columns, &told).expect("a query");
        let (again, _) = keys::rows(self.session, &asked).await.expect("rows");
        for row in &all {
            assert!(
                again
                    .iter()
                    .any(|other| other.told == row.told && other.key == row.key),
                "{}: {row:?}",
                self.case.name
            );
        }
    }

    /// Where an index is promised to serve, the server says that it does.
    pub async fn explained(&mut self, end: &End<'_>) {
        if !self.case.index {
            return;
        }
        let first = self.case.expected().into_keys().next();
        let first = first.map(|key| bird::model::key::split(&key, end.parts.len()).swap_remove(0));
        let range = Range {
            after: first,
            upto: None,
        };
        let whole = Range::default();
        let mut promised = Vec::new();
        if end.indexed() {
            promised.push((end.counted(&whole).sql, "the order"));
        }
        if end.ranges_by_index() {
            promised.push((end.counted(&range).sql, "a range"));
        }
        if end.probes_by_index() {
            let keys: Vec<Vec<u8>> = self.case.expected().into_keys().collect();
            promised.push((end.among(&keys[..1]).sql, "a probe"));
        }
        for (sql, what) in promised {
            let plan = self.plan(&sql).await;
            let index = format!("{}_k", self.case.name);
            let sorts = ["filesort", "temporary", "Sort", "TEMP B-TREE"];
            let serves = plan.contains(&index)
                && !(what != "a probe" && sorts.iter().any(|word| plan.contains(word)));
            assert!(
                serves,
                "{}: {what}\n{sql}\n{plan}",
                self.case.types.join(", ")
            );
        }
    }

    async fn plan(&mut self, sql: &str) -> String {
        let (before, explain) = match self.engine {
            Engine::Sqlite => (None, "EXPLAIN QUERY PLAN"),
            Engine::MySql => (None, "EXPLAIN FORMAT=TRADITIONAL"),
            Engine::Postgres => (
                Some("SET enable_seqscan = off; SET enable_bitmapscan = off"),
                "EXPLAIN",
            ),
            _ => (None, "EXPLAIN"),
        };
        if let Some(before) = before {
            self.session.run(before).await.expect("a setting");
        }
        let rows = self
            .session
            .rows(&format!("{explain} {sql}"))
            .await
            .expect("a plan");
        let cells = rows.iter().flatten().flatten().map(String::as_str);
        cells.collect::<Vec<_>>().join(" ")
    }
}

/// Where the world's database is.
pub fn target(world: &World) -> Target {
    if world.engine_of("ums") == Engine::Sqlite {
        return Target::File(FileTarget {
            path: world.name("ums").into(),
            told: String::new(),
            read_only: false,
        });
    }
    let url = url::Url::parse(world.url("ums")).expect("a URL");
    Target::Server(ServerTarget {
        host: url.host_str().expect("a host").to_owned(),
        port: url.port().expect("a port"),
        socket: None,
        user: Some(url.username().to_owned()),
        password: url.password().map(|password| password.to_owned().into()),
        database: world.name("ums").to_owned(),
        tls: Tls::Local,
        ca: None,
        certificate: None,
        key: None,
    })
}
