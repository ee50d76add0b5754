# shellcheck shell=bash
# What the scripts that measure share; they source it. Each has a `usage`, and is for one benchmark of lockwatch's.

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 2
}

package=lockwatch
repeat=1
options=()

# read_options PATTERN EXAMPLE ARGUMENT…: the command line of a script whose rows are of that form.
read_options() {
    local pattern=$1 example=$2
    shift 2
    while (($# > 0)); do
        case $1 in
            --help | -h)
                usage
                exit
                ;;
            --repeat)
                repeat=${2:-}
                [[ $repeat =~ ^[1-9][0-9]*$ ]] || fail "--repeat needs a count, such as 3"
                shift 2
                ;;
            --quick)
                options+=("$1")
                shift
                ;;
            --rows)
                [[ ${2:-} =~ ^$pattern(,$pattern)*$ ]] || fail "--rows needs rows, such as $example"
                options+=("$1" "$2")
                shift 2
                ;;
            *) fail "what is $1? See --help" ;;
        esac
    done
}

# Both need Linux, cargo and room for some thousand processes.
check_machine() {
    [[ $(uname -s) == Linux ]] || fail "this is a measurement for Linux"
    command -v cargo >/dev/null || fail "cargo is not in PATH"
    local limit
    limit=$(ulimit -u)
    [[ $limit == unlimited ]] || ((limit >= 6000)) ||
        fail "only $limit processes are allowed (\`ulimit -u\`), and 6000 are needed"
}

# measure BENCHMARK: of $package, as often as was asked for; the exit status says whether a budget was missed.
measure() {
    local number missed=0
    cargo bench -p "$package" --bench "$1" --no-run
    for ((number = 1; number <= repeat; number++)); do
        ((repeat == 1)) || printf '\nmeasurement %d of %d\n' "$number" "$repeat"
        cargo bench --quiet -p "$package" --bench "$1" -- ${options[@]+"${options[@]}"} || missed=1
    done
    return "$missed"
}
