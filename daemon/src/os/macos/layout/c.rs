//! Renders the table of numbers as the C file that a compiler checks against Apple's headers.

use std::fmt::Write as _;

use super::{CONSTANTS, Declared, STRUCTS, Struct};

const HEAD: &str = "\
/* Compares the numbers of layout.rs with Apple's public headers. Rendered from the table there; a test tells when
 * the two differ, and UPDATE_LAYOUT_C=1 with that test writes this file anew. Compiled by .ci/macos-gate, never linked.
 *
 * LOCKWATCH_OFF_BY is what the gate sets to 1 to prove that each assertion bites. */
#include <stddef.h>
#include <fcntl.h>
#include <libproc.h>
#include <sys/event.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/proc_info.h>
#include <sys/resource.h>
#include <sys/syslimits.h>
#include <sys/sysctl.h>
#include <sys/stat.h>
#include <sys/types.h>

#ifndef LOCKWATCH_OFF_BY
#define LOCKWATCH_OFF_BY 0
#endif
#define IS(what, number) _Static_assert((long long)(what) == (number) + LOCKWATCH_OFF_BY, #what \" is not \" #number)
#define SIZE(type, number) IS(sizeof(type), number)
#define AT(type, field, number) IS(offsetof(type, field), number)
#define WIDTH(type, field, number) IS(sizeof(((type *)0)->field), number)
";

/// The whole file.
pub(in super::super) fn render() -> String {
    let mut text = HEAD.to_owned();
    for each in STRUCTS {
        text.push('\n');
        render_struct(each, &mut text);
    }
    text.push('\n');
    for each in CONSTANTS {
        match each.declared {
            Declared::Publicly => {
                writeln!(text, "IS({}, {});", each.c_name, each.value).unwrap();
            }
            Declared::Privately(place) => {
                writeln!(text, "/* {} is {}: private, {place} */", each.c_name, each.value).unwrap();
            }
        }
    }
    text
}

fn render_struct(each: &Struct, text: &mut String) {
    let name = each.c_name;
    if let Declared::Privately(place) = each.declared {
        writeln!(text, "/* {name} has {} bytes: private, {place}", each.size).unwrap();
        for field in each.fields {
            writeln!(text, " *   {} at {}, {} bytes", field.c_name, field.offset, field.width).unwrap();
        }
        text.push_str(" */\n");
        return;
    }
    writeln!(text, "SIZE({name}, {});", each.size).unwrap();
    for field in each.fields {
        writeln!(text, "AT({name}, {}, {});", field.c_name, field.offset).unwrap();
        writeln!(text, "WIDTH({name}, {}, {});", field.c_name, field.width).unwrap();
    }
}
