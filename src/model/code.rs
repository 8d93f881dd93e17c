//! The registry of codes: every diagnostic's stable name, default severity, meaning and way on.
//!
//! Reports, the documentation (`docs/reference/error-codes.md`) and every output format that lists rules take
//! codes from here; nothing else in the program spells one.

use std::fmt;

use serde::{Serialize, Serializer};

use super::diagnostic::Severity;

/// Declares the codes: variant, name, default severity, one sentence, what helps.
macro_rules! codes {
    ($($variant:ident $name:literal $severity:ident $summary:literal $help:literal;)*) => {
        /// The kind of a diagnostic. Scripts compare its [name](Code::name), which never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $summary] $variant,)*
        }

        impl Code {
            /// Every code, in the order of names.
            pub const ALL: &[Code] = &[$(Code::$variant),*];

            /// The stable name, such as `migration-changed`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// The severity of a diagnostic with this code, where nothing overrides it.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Code::$variant => Severity::$severity,)* }
            }

            /// What it means, in one sentence.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $(Code::$variant => $summary,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Code::$variant => $help,)* }
            }
        }
    };
}

/// The codes of failed runs, for each of which the recovery guide has a heading.
const RECOVERY: &[Code] = &[
    Code::AcceptNotChanged,
    Code::AppliedPartChanged,
    Code::ConnectionLost,
    Code::DatabaseAhead,
    Code::FinishFailed,
    Code::ForeignKeys,
    Code::HalfApplied,
    Code::HalfUndone,
    Code::HistoryEdited,
    Code::Interrupted,
    Code::LockBroken,
    Code::Locked,
    Code::MigrationChanged,
    Code::MigrationMissing,
    Code::MigrationReformatted,
    Code::NoUndo,
    Code::NonEmpty,
    Code::NotExact,
    Code::OutOfOrder,
    Code::PlanMoved,
    Code::Required,
    Code::RequiresUnmet,
    Code::StatementFailed,
    Code::Undecided,
    Code::UndoAlone,
    Code::Unmanaged,
];

impl Code {
    /// The code with this name; `None` if there is no such code.
    #[must_use]
    pub fn named(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// Whether the page about recovery has a heading for it.
    #[must_use]
    pub fn has_recovery(self) -> bool {
        RECOVERY.contains(&self)
    }

    /// The place in the documentation that explains it, relative to the repository.
    #[must_use]
    pub fn page(self) -> String {
        let page = if self.has_recovery() {
            "docs/recovery.md"
        } else {
            "docs/reference/error-codes.md"
        };
        format!("{page}#{}", self.name())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

codes! {
    AcceptNoFile "accept-no-file" Error "The migration to accept has no file." "Restore the file.";
    AcceptNotApplied "accept-not-applied" Error "The migration to accept is not applied." "Run `bird migrate`, which applies it, or check the version.";
    AcceptNotChanged "accept-not-changed" Error "The migration to accept was not changed after it was applied." "Leave `--accept-checksum` out.";
    Account "account" Warning "The account's connection is not encrypted." "Remove the parameter that turns TLS off from the URL.";
    AdoptAmbiguous "adopt-ambiguous" Error "A file could be several of the other tool's migrations." "Give the file a name that matches one of them.";
    AdoptDrift "adopt-drift" Note "The database already has the change that the new file makes." "Record the file with `bird adopt --from baseline`.";
    AdoptHalf "adopt-half" Error "The other tool applied only a part of a file." "Split the file, or finish the migration with the other tool.";
    AdoptHeads "adopt-heads" Error "Alembic's history has several heads, or files that bird cannot order." "Take the files from `alembic upgrade --sql`.";
    AdoptMissingTables "adopt-missing-tables" Error "Tables that the migrations create are missing in the database." "Adopt an earlier version, or create the tables.";
    AdoptUnfinished "adopt-unfinished" Error "The other tool left a migration unfinished." "Finish or revert it with that tool.";
    AdoptUnmatched "adopt-unmatched" Error "Migrations that the other tool applied have no file here." "Add their files, or adopt with a baseline.";
    AdoptWayBack "adopt-way-back" Error "A file contains the other tool's undo statements, which `bird migrate` would run." "Move that part into an undo file.";
    AppliedPartChanged "applied-part-changed" Error "The applied part of a half-applied migration was changed." "Restore that part; edit from the failed statement on.";
    Assertion "assertion" Error "The query of an assertion returned rows." "Correct the rows, or the assertion in bird.toml.";
    AssertionNotDone "assertion-not-done" Error "The query of an assertion failed." "Correct the query in bird.toml, or the account's privileges.";
    Audit "audit" Error "A part of the audit could not be read." "Run the same command again: it continues.";
    Cancel "cancel" Warning "The account could not cancel its own statement." "Grant the privilege that the finding names.";
    ChangedFile "changed-file" Error "A file was changed after the other tool applied it." "Restore the file as it was applied.";
    CharacterSet "character-set" Warning "The database's character set cannot store every character." "Create the database with the one that the finding names.";
    Cluster "cluster" Error "The server is a node of a cluster, where a lock holds on one node only." "Send all migrations to one node and consent with `--allow single-writer`.";
    ColumnOrder "column-order" Note "Columns have another order, which the engine cannot change." "Nothing depends on it.";
    ColumnTaken "column-taken" Error "A table already has a column with a name that quarantine needs." "Rename the column, or move the rows by hand.";
    Config "config" Error "bird.toml has a key or a value that bird does not accept." "Correct the place shown.";
    Conflict "conflict" Error "Rows cannot be restored, for example because other rows have taken their keys." "Resolve the conflicts shown, then run the same command again.";
    Connection "connection" Error "The database cannot be reached." "Check that the server is up and that the URL is right; `--wait 60s` waits for it.";
    ConnectionLost "connection-lost" Error "The connection broke while a statement ran." "Run the same command again: it checks how the statement ended.";
    DataLoss "data-loss" Error "A statement or a repair deletes data for good." "Consent with `--allow data-loss`.";
    Database "database" Error "The database answered a query with an error." "Read the engine's message.";
    DatabaseAhead "database-ahead" Error "The database has migrations that are newer than these files." "Check out the files that the database was migrated with.";
    Deleted "deleted" Error "The rows were deleted for good by a repair." "Only a backup has them.";
    Denied "denied" Error "The account may not do this, or its password is wrong." "Check user and password, or ask an administrator for the grant.";
    Differs "differs" Error "Two schemas differ." "`bird diff FROM TO --format sql` prints the statements that turn one into the other.";
    Drift "drift" Error "The live schema differs from the schema that the applied migrations create." "`bird diff` prints the statements that undo it.";
    DropDatabase "drop-database" Error "A whole database would be dropped." "In development, consent with `--allow drop-database`.";
    DropTable "drop-table" Error "A statement drops a table with its data." "Consent with `--allow drop-table`.";
    DuplicateVersion "duplicate-version" Error "Two migration files have the same version." "Give one of them another version.";
    Elsewhere "elsewhere" Error "Another run of a repair holds the rows." "Wait for the other run, then run the same command again.";
    EmptyMigration "empty-migration" Warning "A migration has no statement." "Write its statements, or `-- bird: empty` if it is meant to have none.";
    Environment "environment" Error "The operating system refused something that bird needs." "Read the reason shown.";
    Exit "exit" Error "The command ended with an exit code that no finding explains." "Read the message.";
    File "file" Error "The file of an embedded database cannot be written." "Change its permissions.";
    FileExists "file-exists" Error "A file that bird would write already exists." "Move it away, or name another folder.";
    FileSystem "file-system" Warning "The file of an embedded database is on a network file system." "Move it to a local one.";
    FinishFailed "finish-failed" Error "A migration ran, but recording it failed." "Look at `bird status`, then run `bird migrate` again.";
    Folder "folder" Error "The folder of an embedded database cannot be written." "Change its permissions.";
    ForeignKeys "foreign-keys" Error "A migration would leave rows without the parents that their foreign keys need." "Keep the keys that other tables refer to.";
    HalfApplied "half-applied" Error "Only a part of a migration is applied." "`bird migrate` continues it.";
    HalfUndone "half-undone" Error "Only a part of a migration is undone." "`bird undo` continues it.";
    HiddenRows "hidden-rows" Error "Row-level security hides rows of a table from the account." "Use an account with BYPASSRLS, or the owner of the table.";
    HistoryEdited "history-edited" Error "A row of the history was edited or is damaged." "Restore the row.";
    Import "import" Error "The file to import references from cannot be read." "Correct the place shown.";
    ImportLeftOut "import-left-out" Warning "A loose foreign key was left out of the import." "Declare the reference by hand, or configure the database.";
    ImportRemark "import-remark" Warning "An imported reference needs a review." "Check that the reference means the right rows.";
    Init "init" Error "A new project cannot be written." "Read the reason shown.";
    InsideProject "inside-project" Error "The folder for a new project is inside another project." "Name a folder outside, or add a database to the project.";
    Internal "internal" Error "bird met a state that its code rules out." "Please report the message and what led to it.";
    Interrupted "interrupted" Error "The run was interrupted." "Run the same command again.";
    JournalMode "journal-mode" Warning "In its journal mode, a crash can damage the embedded database." "Read the finding.";
    LeftOver "left-over" Warning "Killed runs have left scratch databases on the server." "Drop them as the finding says.";
    Lock "lock" Error "Taking the lock of a database failed." "Read the engine's message.";
    LockBroken "lock-broken" Error "The lock was taken, but the session does not hold it." "Connect to the server itself, or to a pooler that pools by session.";
    LockTimeouts "lock-timeouts" Warning "The server lets statements wait for locks without a limit." "bird sets its own limit; set one on the server for other clients.";
    Locked "locked" Error "Someone else holds the lock of the database." "Wait longer with `--lock-timeout 5m`, or end the session that holds it.";
    LostClients "lost-clients" Warning "The server takes a long time to notice that a client has disconnected." "Change the setting that the finding names.";
    LostFile "lost-file" Error "A database file that bird has written before is gone." "Mount its volume, or restore it from a backup.";
    LostJournal "lost-journal" Error "bird's journal is missing or an old copy, although its other tables are there." "Restore `bird_journal` from a backup or the old primary.";
    MalformedKey "malformed-key" Error "Some values of a reference cannot be compared as keys." "Correct the values, or set `compare`.";
    MaxRows "max-rows" Error "The repair has changed as many rows as `--max-rows` allows." "Check the result, then run the same command again to continue.";
    MaybeRenamed "maybe-renamed" Warning "A dropped and an added object look alike." "If it is a rename, declare it with `--rename OLD=NEW`.";
    MetricsFile "metrics-file" Error "The metrics file cannot be written." "Name a file in a folder that exists.";
    MigrationAbove "migration-above" Error "A migration is outside the folder of its engine, so it never runs." "Move it into the folder of each engine that needs it.";
    MarkAhead "mark-ahead" Error "The watermark of an audit is beyond every row, as after a restored backup." "Read every row with `bird audit`, then set the mark with `--since COLUMN=VALUE`.";
    MigrationChanged "migration-changed" Error "A migration file was changed after it was applied." "Restore the file, or accept it with `--accept-checksum`.";
    MigrationFolder "migration-folder" Error "A folder below a database's migrations is not the name of an engine." "Rename or remove the folder.";
    MigrationMissing "migration-missing" Error "The file of an applied migration is missing." "Restore the file.";
    MigrationName "migration-name" Error "A file's name is not the name of a migration." "Rename it to `V<number>__<name>.sql`.";
    MigrationReformatted "migration-reformatted" Note "A migration file was changed in its layout or comments only." "Nothing needs to be done.";
    MigrationUnreadable "migration-unreadable" Error "A migration file cannot be read as text." "Save it as UTF-8.";
    MigrationsFolder "migrations-folder" Error "The folder of a database's migrations cannot be read." "Create it, or correct `migrations` in bird.toml.";
    MostlyOrphans "mostly-orphans" Error "Most rows of a table look like orphans, as if the parent were the wrong database." "Check the URLs, then consent.";
    New "new" Error "The new migration file cannot be written." "Read the reason shown.";
    NoConfig "no-config" Error "There is no bird.toml here or in a folder above." "Begin a project with `bird init`, or name its config with `--config FILE`.";
    NoDatabase "no-database" Error "A database does not exist, or the config has none of this name." "Create it with `bird provision`, or check the name.";
    NoDifference "no-difference" Error "There is no difference, so no migration was written." "Nothing needs to be done.";
    NoEnvironment "no-environment" Error "The config has no environment of this name." "Check `--env`.";
    NoPrimaryKey "no-primary-key" Error "A table has no key that identifies its rows." "Give the table a primary key.";
    NoRun "no-run" Error "No database has quarantined rows of this run." "The report of the repair shows its run ID.";
    NoTable "no-table" Error "The table of a seed does not exist." "Run `bird migrate` first, or check the name.";
    NoTool "no-tool" Error "The database shows no history of another tool." "Name the tool with `--from`.";
    NoUndo "no-undo" Error "A migration has no undo file, and its undo statements cannot be computed." "Write the undo file.";
    NoVersion "no-version" Error "There is no migration of this version." "`bird status --list` lists the versions.";
    NonEmpty "non-empty" Error "The database has objects but no history." "Take it over with `bird adopt`, or consent with `--allow non-empty`.";
    NotAlike "not-alike" Error "The live schema differs from the schema that the new migration creates." "Correct the file or the schema, then adopt again.";
    NotDone "not-done" Error "A check could not be done." "Read the reason shown.";
    NotExact "not-exact" Error "After a crash, bird could not find out whether this statement ran." "Change the statement as shown, or mark it `-- bird: idempotent`.";
    NotFinished "not-finished" Error "The audit did not finish." "Run the same command again: it continues.";
    NotInDoubt "not-in-doubt" Error "The statement to resolve is not in doubt." "`bird status` shows the statements in doubt.";
    NotNull "not-null" Error "The repair would set a column to NULL that is declared NOT NULL." "Quarantine the rows instead.";
    NotReplayable "not-replayable" Warning "A statement cannot be replayed in a scratch database." "The schema that bird expects lacks its effect; check that part by hand.";
    NotReproducible "not-reproducible" Warning "A new environment would get another schema from the same migrations." "Write a migration that states what differs.";
    NotUnderstood "not-understood" Warning "bird cannot read a part of the schema with certainty." "It is compared as the server prints it.";
    NotUndone "not-undone" Error "Nothing undoes what a statement of the migration did." "Write the undo file, or consent with `--allow not-undone`.";
    NotVerified "not-verified" Error "The computed statements could not be proven in a scratch database." "Read the reason shown.";
    NotWritten "not-written" Warning "The file for one engine was not written, because bird has no server to try it on." "Name one with `--shadow URL`, or write its statements by hand.";
    NothingToAdopt "nothing-to-adopt" Error "The database is empty: there is nothing to take over." "`bird migrate` creates its tables.";
    NullOrphan "null-orphan" Error "Setting the key to NULL would leave an orphan, because the reference counts NULL as one." "Quarantine the rows instead.";
    NumberedAgain "numbered-again" Note "SQLite may give a deleted row's number to a new row." "Use AUTOINCREMENT where that matters.";
    Orphans "orphans" Error "Rows refer to parents that do not exist." "`bird audit --plan FILE` and `bird repair` quarantine them.";
    OtherDatabase "other-database" Error "A statement writes to another database, or a plan was made for another one." "Check the URL and the statement; consent with `--allow other-database`.";
    OtherReference "other-reference" Error "The plan was made for a reference that has changed." "Make a new plan with `bird audit --plan FILE`.";
    OtherReplica "other-replica" Error "The server named as a replica replicates from another server." "Check the URL behind `--replica`.";
    OutOfOrder "out-of-order" Error "A pending migration is older than one that is applied." "Give it a higher version, or consent with `--allow out-of-order`.";
    Packet "packet" Error "A statement is larger than the server accepts." "Raise the setting that the finding names.";
    ParentEmpty "parent-empty" Error "The parent table is empty, as if it were the wrong database." "Check the URL, then consent.";
    ParentShrunk "parent-shrunk" Error "The parent table has lost many rows since the plan was made." "Find out why, then consent.";
    Pending "pending" Error "Migrations are pending." "`bird migrate` applies them.";
    Plan "plan" Error "The plan of a repair cannot be read." "Make a new plan with `bird audit --plan FILE`.";
    PlanChanged "plan-changed" Error "Another plan was started before this one." "Continue with the plan that was started, or make a new one.";
    PlanExpired "plan-expired" Error "The plan is too old, or was made in the future of this clock." "Make a new plan with `bird audit --plan FILE`.";
    PlanFile "plan-file" Error "The plan file of a migration cannot be read or written." "Write a new one with `bird migrate --out FILE`.";
    PlanMoved "plan-moved" Error "Files, histories or schemas have changed since the plan was written." "Review a new plan with `bird migrate --out FILE`.";
    PlanUndone "plan-undone" Error "The plan was carried out and undone." "Make a new plan with `bird audit --plan FILE`.";
    Pooler "pooler" Error "A transaction-mode pooler shares the session, so a lock would not hold." "Connect to the server itself, or to a pooler that pools by session.";
    Privileges "privileges" Error "The account lacks privileges that migrations need." "Ask an administrator for the grant that the finding names.";
    Product "product" Warning "The server's product or version is not one that bird is tested with." "Read the finding.";
    Protected "protected" Error "The environment is protected, and the run would write." "Consent with `--allow protected`.";
    Purged "purged" Error "The rows that the run kept were deleted for good." "Only a backup has them.";
    ReadOnly "read-only" Error "The database takes no writes." "Connect to the primary, or ask who made the server or the file read-only.";
    RebuildWithoutTransaction "rebuild-without-transaction" Error "A file rebuilds a table, but turns its transaction off." "Move the rebuild into a file of its own.";
    ReferenceCondition "reference-condition" Error "The condition of a reference cannot be used." "Correct `where` or `to_where` in bird.toml.";
    ReferenceInexact "reference-inexact" Warning "The key of a reference is a floating-point number." "Give both columns an exact type, such as decimal or an integer.";
    ReferenceMissing "reference-missing" Error "A table or a column of a reference does not exist." "Correct the reference in bird.toml.";
    ReferenceNotIndexed "reference-not-indexed" Warning "The key of a reference has no index." "Make an index that begins with it.";
    ReferenceNotTable "reference-not-table" Error "One end of a reference is not a table." "Name the table behind it.";
    ReferenceNotUnique "reference-not-unique" Error "The parent's key of a reference is not unique." "Make it unique, or refer to another key.";
    ReferenceType "reference-type" Error "The columns of a reference have types that cannot be compared." "Give both the same type, or set `compare`.";
    Referenced "referenced" Error "A statement changes something that a reference needs." "Change the reference in bird.toml in the same commit, or consent.";
    Rename "rename" Error "`--rename` does not name one object that exists before and one that exists after." "Write OLD=NEW with names that exist.";
    Replay "replay" Error "Replaying the migrations in a scratch database failed." "Correct the statement shown.";
    Replica "replica" Error "The server is a replica." "Connect to the primary.";
    Required "required" Error "A migration of another database requires the migration to undo." "Undo that migration first.";
    RequiresCircle "requires-circle" Error "Migrations require each other in a circle." "Remove one of the `requires`.";
    RequiresUnknown "requires-unknown" Error "A migration requires a database or a version that does not exist." "Correct the `requires`.";
    RequiresUnmet "requires-unmet" Error "A migration requires another database's migration that is not applied." "Migrate that database too.";
    RowsDiffer "rows-differ" Error "A chunk of a repair changed more or fewer rows than it had locked." "Look for triggers and rules that change these rows.";
    RowsRefused "rows-refused" Error "The database refused to change rows of a repair." "Read the reasons shown, correct the rows, then run the same command again.";
    SameTarget "same-target" Error "Two databases of the config are the same." "Give each a database of its own.";
    Schema "schema" Error "The schema does not exist, or the account may not use it." "Read the finding.";
    SchemaBehind "schema-behind" Note "A desired-schema file differs from the schema that the migrations create." "`bird migrate --write-schema` updates it.";
    SchemaDiffers "schema-differs" Error "The desired schema differs from the schema that the migrations create." "`bird new NAME --from-schema` writes the migration.";
    SchemaFile "schema-file" Error "A desired-schema file could not be written." "Read the reason shown.";
    Script "script" Error "A SQL file cannot be split into statements." "Correct the place shown.";
    Secret "secret" Warning "A file with a password can be read by others." "Change its mode, or put the URL into a variable.";
    Seed "seed" Error "A seed is declared wrongly." "Correct the row shown in bird.toml.";
    SeedDiffers "seed-differs" Error "Seeded rows are not as declared." "`bird seed` corrects them; `--dry-run` shows how.";
    SeedFailed "seed-failed" Error "The database refused a seeded row." "Read the engine's message.";
    SeedKey "seed-key" Error "The key of a seed does not identify a single row." "Choose a key that is unique.";
    SeesBlockers "sees-blockers" Warning "The account may not see which sessions hold locks." "Grant the privilege that the finding names.";
    SeveralTools "several-tools" Error "The database shows the history of several tools." "Choose one with `--from`.";
    Shadow "shadow" Error "A scratch database could not be used." "Read the reason shown.";
    SideEffects "side-effects" Error "Changing the rows would change other rows through triggers or cascades." "Consent with `--allow side-effects`, or correct the rows by hand.";
    SingleWriter "single-writer" Error "The locks of a cluster hold on one node only." "Send all migrations to one node and consent with `--allow single-writer`.";
    Source "source" Error "A source of a schema cannot be read." "Check the path or the name.";
    Sql "sql" Error "A SQL file cannot be read." "Correct the place shown.";
    SqlMode "sql-mode" Warning "The server's SQL mode changes what statements mean." "Read the finding.";
    StatementFailed "statement-failed" Error "A statement failed." "Correct the file from this statement on, then run the command again.";
    StatementRefused "statement-refused" Error "A migration contains a statement that bird does not send." "Remove the statement.";
    StorageEngine "storage-engine" Warning "The default storage engine has no transactions." "Set `default_storage_engine` to InnoDB.";
    TableChanged "table-changed" Error "A table has changed since the plan was made." "Make a new plan with `bird audit --plan FILE`.";
    TableNames "table-names" Warning "The server compares the names of tables in an unusual way." "Read the finding.";
    TimeZone "time-zone" Warning "The server's time zone is not UTC." "Set it to UTC.";
    Tls "tls" Error "The encrypted connection that the URL asks for could not be made." "Name the server's certificate authority in the URL.";
    Undecided "undecided" Error "After a crash, bird cannot tell whether a statement ran." "Check what the database shows, then use `bird resolve`.";
    UndoAlone "undo-alone" Error "An undo file has no migration." "Give both files the same version and name.";
    UnknownConsent "unknown-consent" Error "A directive allows something by a name that does not exist." "Correct the name.";
    Unmanaged "unmanaged" Error "The database has objects but no history to compare with." "Take it over with `bird adopt`.";
    Unsupported "unsupported" Error "bird has no statement that makes this change." "Write the migration by hand.";
    Untrusted "untrusted" Error "A table of bird's own is a view, belongs to another account, or could run its code." "Find out who made the table, then drop or rename it.";
    Usage "usage" Error "The command line is wrong." "See `bird --help`.";
    VersionTooLarge "version-too-large" Error "The version does not fit the history's column." "Give the file a smaller version.";
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn names_are_unique_and_kebab_case() {
        let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for name in names {
            let fits = |sign: char| sign.is_ascii_lowercase() || sign == '-';
            assert!(name.chars().all(fits), "{name}");
            assert_eq!(Code::named(name).map(Code::name), Some(name));
        }
    }

    #[test]
    fn every_code_has_a_sentence_and_help() {
        for code in Code::ALL {
            assert!(code.summary().ends_with('.'), "{code}");
            assert!(code.help().ends_with('.'), "{code}");
        }
    }
}
