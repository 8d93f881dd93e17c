//! A repair makes room for others, and goes only as far as it is told to.

use bird::model::repair::Action;

use super::{EXECUTE, PLAN, held, notes, orphans};
use crate::world::{Engine, Output, World};

engines!(a_run_goes_as_far_and_as_fast_as_it_may);

fn a_run_goes_as_far_and_as_fast_as_it_may(engine: Engine) {
    let world = notes(engine);
    let run = orphans(Action::Quarantine).write(&world);
    let with = |command: &[&str], more: &[&str]| world.run(&[command, more].concat());
    let number = |ended: &Output, name: &str| ended.json()["references"][0][name].as_u64();

    // The third row begins a chunk of its own, which is cut short.
    let looked = with(PLAN, &["--max-rows", "1", "--format", "json"]).ok();
    assert_eq!(
        (number(&looked, "repaired"), number(&looked, "remaining")),
        (Some(1), Some(4))
    );
    let part = with(EXECUTE, &["--max-rows", "3"])
        .exits(4)
        .warns("max-rows");
    let part = part
        .warns("chunks 1–2")
        .warns("run the same command again to continue");
    assert_eq!(
        (number(&part, "repaired"), number(&part, "remaining")),
        (Some(3), Some(2))
    );

    // A limit that nothing could ever reach is not one.
    let lag = ["--max-lag", "5s"];
    let vain = "no server of this run is known to be a replica";
    with(EXECUTE, &lag).exits(2).warns(vain);
    let of = |name: &str| format!("{name}={}", world.url(name));
    let (ours, theirs) = (of("twitter"), of("ums"));
    let itself = [&lag[..], &["--replica", &ours]].concat();
    with(PLAN, &itself)
        .exits(2)
        .warns("reports no server that it replicates from");
    let parent = [&lag[..], &["--replica", &theirs]].concat();
    with(EXECUTE, &parent)
        .exits(2)
        .warns("nothing is written to `ums`");
    with(EXECUTE, &["--replica", &ours])
        .exits(2)
        .warns("--max-lag");
    let undo = ["repair", "--undo", &run, "--format", "json"];
    with(&undo, &lag).exits(2).warns(vain);
    let busy = ["--max-load", "0"];
    if engine == Engine::Sqlite {
        with(EXECUTE, &busy)
            .exits(2)
            .warns("no server of this run reports");
    } else {
        world
            .run(&["audit", "--max-lag", "5s"])
            .exits(1)
            .warns(vain);
        world.run(&["audit", "--max-load", "9999"]).exits(1);
        // The question itself runs: no server is ever less busy.
        let held = waiting(&world, &[EXECUTE, &busy].concat());
        assert_eq!(number(&held, "remaining"), Some(2), "{}", held.transcript());
        let held = waiting(&world, &[&undo[..], &busy].concat());
        assert_eq!(held.json()["references"].as_array().map(Vec::len), Some(0));
    }

    // What is left is as many rows as there are: that is the end of the plan.
    let rest = with(EXECUTE, &["--max-rows", "2"]).ok();
    assert_eq!(
        (number(&rest, "repaired"), number(&rest, "remaining")),
        (Some(5), Some(0))
    );
    let begun = std::time::Instant::now();
    with(&undo, &["--max-rate", "4"]).ok();
    assert!(
        begun.elapsed().as_millis() >= 700,
        "all rows went back at once"
    );
}

/// Interrupted while it waits, a run has done nothing.
fn waiting(world: &World, arguments: &[&str]) -> Output {
    let ended = held(world, arguments, "repair-waits").interrupt();
    ended
        .warns("statements run on the server")
        .warns("this run has committed no chunk")
}
