//! The state document, which a client reads from the daemon: any JSON is taken or refused, and what is taken can be used.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockwatch::by_process;
use lockwatch::state::State;

fuzz_target!(|document: &[u8]| {
    let Ok(state) = serde_json::from_slice::<State>(document) else {
        return;
    };
    let written = serde_json::to_string(&state).expect("a state is JSON");
    assert!(!written.contains('\n'), "it goes over the socket on one line");
    let again: State = serde_json::from_str(&written).expect("it reads what it writes");
    assert_eq!(again, state);
    assert!(again.says_the_same_as(&state));

    let involved = state.involved();
    let processes = |lock: &lockwatch::state::Lock| lock.holders.len() + lock.waiters.len();
    assert!(involved.len() <= state.locks.iter().map(processes).sum());
    for lock in &state.locks {
        assert!(
            lock.path.starts_with(lock.place()),
            "{:?} {:?}",
            lock.path,
            lock.place()
        );
    }
    assert!(by_process::entries(&state).len() <= involved.len());
    assert!(by_process::waiting_processes(&state) <= involved.len());
});
