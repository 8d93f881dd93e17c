//! What a declared reference points to or from is not dropped, renamed, retyped or emptied without
//! a person's word.
//! Cases of single statements are in `tests/cases/reference_guard`.

use bird::audit::guard;
use bird::model::change::{Alter, Change, Difference, Pair, Renamed};
use bird::model::name::ColumnNames;
use bird::model::reference::Reference;
use bird::model::schema::{Column, Id, Schema, Table};

use crate::world::{Engine, World};

engines!(a_reference_guards_both_its_ends, a_way_back_is_guarded_too,);

fn reference(from: &str, to: &str) -> Reference {
    let columns = |names| ColumnNames::parse(names).expect("a column");
    Reference::new(columns(from), columns(to))
}

/// Changes that were worked out are guarded as statements are.
#[test]
fn what_changes_do_to_references() {
    let references = [
        reference("twitter.messages.author_id", "ums.users.id"),
        reference("twitter.subscriptions.producer_id", "ums.users.id"),
    ];
    let column = |name: &str, sql: &str| Column {
        name: name.to_owned(),
        sql: sql.to_owned(),
        ..Column::default()
    };
    let from = Schema {
        tables: vec![Table {
            name: "users".to_owned(),
            columns: vec![column("id", "uuid"), column("name", "text")],
            ..Table::default()
        }],
        ..Schema::default()
    };
    let output = |changes: Vec<Change>, renamed: &[(&str, &str)]| -> Vec<String> {
        let difference = Difference {
            changes,
            ..Difference::default()
        };
        let renamed: Vec<Renamed> = renamed
            .iter()
            .map(|(from, to)| Renamed {
                from: (*from).to_owned(),
                to: (*to).to_owned(),
            })
            .collect();
        let findings = guard("ums", &references, &difference, &renamed, &from).into_iter();
        findings
            .map(|output| format!("{} {}", output.message, output.notes.len()))
            .collect()
    };
    let altered = |alter: Alter| {
        vec![Change::Alter {
            table: "users".to_owned(),
            alters: vec![alter],
        }]
    };
    let changed = |from: Column, to: Column| Alter::ModifyColumn(Box::new(Pair::new(from, to)));
    let end = ", which a declared reference needs 2";
    for (changes, renamed, expected) in [
        (
            vec![Change::Drop(Id::table("users"))],
            None,
            "drops the table `users`",
        ),
        (vec![Change::Drop(Id::table("roles"))], None, ""),
        (vec![Change::Create(Id::table("people"))], None, ""),
        (
            altered(Alter::DropColumn(Box::new(column("id", "uuid")))),
            None,
            "drops the column `id` of `users`",
        ),
        (
            altered(Alter::DropColumn(Box::new(column("name", "text")))),
            None,
            "",
        ),
        (
            altered(changed(column("id", "uuid"), column("id", "text"))),
            None,
            "gives the column `id` of `users` the type text in place of uuid",
        ),
        (
            altered(changed(
                column("id", "uuid"),
                Column {
                    nullable: true,
                    ..column("id", "uuid")
                },
            )),
            None,
            "",
        ),
        (
            Vec::new(),
            Some(("users", "people")),
            "renames `users` to `people`",
        ),
        (
            Vec::new(),
            Some(("users.id", "users.uid")),
            "renames `users.id` to `users.uid`",
        ),
        (Vec::new(), Some(("users.name", "users.nick")), ""),
    ] {
        let found = output(changes, renamed.as_slice());
        if expected.is_empty() {
            assert!(found.is_empty(), "{found:?}");
        } else {
            assert_eq!(found, [format!("ums: a change {expected}{end}")]);
        }
    }
}

/// Two databases and a reference between them, applied.
fn related(engine: Engine) -> World {
    let world = World::empty()
        .file(
            "bird.toml",
            "[databases.ums]\n[databases.twitter]\n\n[[references]]\n\
             from = \"twitter.messages.author_id\"\nto = \"ums.users.id\"\n",
        )
        .engine("ums", engine)
        .engine("twitter", engine)
        .migration(
            "ums/V1__users.sql",
            "CREATE TABLE users (id INT NOT NULL, name VARCHAR(9));\n",
        )
        .file(
            "migrations/ums/V1__users.undo.sql",
            "-- bird: allow drop-table\nDROP TABLE users;\n",
        )
        .migration(
            "twitter/V1__messages.sql",
            "CREATE TABLE messages (id INT, author_id INT NOT NULL);\n",
        );
    world.run(&["up"]).ok();
    world
}

fn a_reference_guards_both_its_ends(engine: Engine) {
    let world = related(engine);
    world.write(
        "migrations/ums/V2__id.sql",
        "ALTER TABLE users ADD COLUMN nick VARCHAR(9);\nALTER TABLE users RENAME COLUMN id TO uid;\n",
    );
    world.write(
        "migrations/twitter/V2__author.sql",
        "-- bird: allow data-loss\nALTER TABLE messages DROP COLUMN author_id;\n",
    );
    world
        .run(&["migrate", "--dry-run"])
        .exits(3)
        .says("--allow referenced: ums: statement 2 of V2 id renames the column `id` of `users` to `uid`")
        .says("twitter.messages.author_id points here, to ums.users.id (bird.toml:4)")
        .says("drops the column `author_id` of `messages`");
    for arguments in [
        &["migrate"][..],
        &["migrate", "--allow", "data-loss", "--allow", "drop-table"],
    ] {
        let run = world
            .run(arguments)
            .exits(3)
            .warns("error[referenced]: ums: statement 2 of V2 id renames the column `id` of `users` to `uid`")
            .warns("migrations/ums/V2__id.sql:2:1")
            .warns("twitter.messages.author_id points here, to ums.users.id (bird.toml:4)")
            .warns("drops the column `author_id` of `messages`")
            .warns("twitter.messages.author_id points from here to ums.users.id")
            .warns("--allow referenced, or `-- bird: allow referenced`");
        assert_eq!(
            run.stderr.matches("error[").count(),
            2,
            "{}",
            run.transcript()
        );
    }
    // Nothing ran, not even the harmless statement.
    world.refused("ums", "SELECT nick FROM users");
    world.write(
        "migrations/ums/V2__id.sql",
        "-- bird: allow referenced\nALTER TABLE users RENAME COLUMN id TO uid;\n",
    );
    world.run(&["migrate", "--allow", "referenced"]).ok();
    world.client("ums", "SELECT uid FROM users");
    world.refused("twitter", "SELECT author_id FROM messages");
}

fn a_way_back_is_guarded_too(engine: Engine) {
    let world = related(engine);
    let undo = ["undo", "--database", "ums"];
    world
        .run(&undo)
        .exits(3)
        .warns("error[referenced]: ums: statement 1 of V1 users drops the table `users`");
    world.client("ums", "SELECT id FROM users");
    world
        .run(&[&undo[..], &["--allow", "referenced"]].concat())
        .ok();
    world.refused("ums", "SELECT id FROM users");
}
