# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_tarquet_global_optspecs
    string join \n h/help V/version
end

function __fish_tarquet_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_tarquet_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_tarquet_using_subcommand
    set -l cmd (__fish_tarquet_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c tarquet -n "__fish_tarquet_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tarquet -n "__fish_tarquet_needs_command" -s V -l version -d 'Print version'
complete -c tarquet -n "__fish_tarquet_needs_command" -f -a "extract" -d 'Extract what a feature map names into a Parquet dataset'
complete -c tarquet -n "__fish_tarquet_needs_command" -f -a "verify" -d 'Check that every part of a dataset is whole and exactly what its ledger says'
complete -c tarquet -n "__fish_tarquet_needs_command" -f -a "completions" -d 'Write what makes a shell complete this command line to standard output'
complete -c tarquet -n "__fish_tarquet_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l tar-path -d 'A tar (or gzip, zstd), a directory, - for stdin; repeatable' -r -F
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l include -d 'Take only members with such names, a glob; repeatable' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l exclude -d 'Leave out members with such names, a glob; repeatable' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l documents -d 'A member\'s documents: auto, json, ndjson, array' -r -f -a "auto\t'By name: `.ndjson` and `.jsonl` have one on each line, others are one'
json\t'Every member is one document'
ndjson\t'Every member has one document on each line'
array\t'Every member is one JSON array of documents'"
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l max-document-bytes -d 'Documents larger than this fail' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l feature-map -d 'The map from fields to columns' -r -F
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l sample -d 'How many documents decide the types that are open' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l out-dir -d 'Where the dataset goes' -r -f -a "(__fish_complete_directories)"
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l buffer-rows -d 'A part ends once it has this many rows' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l buffer-bytes -d 'The largest part ends once all open ones exceed this' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l workers -d 'Worker processes [default: as many as cores, from 8 to 12]' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l inflate-threads -d 'Threads that decompress [default: a third of the cores, up to 4]' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l worker-memory -d 'What each worker may allocate' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l member-timeout -d 'How long a worker may compute on one member' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l checkpoint-every -d 'How often what is done is committed' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l allow-failed -d 'How many documents may fail' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l sandbox -d 'How workers lock themselves in: auto, require, off' -r -f -a "auto\t'As far as the system lets them; the summary says how far'
require\t'In full, or nothing is run'
off\t'Not at all'"
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l engine -d 'A parser: structural, simd-json, reference' -r -f -a "reference\t'The scalar parser that decides what is valid'
simd-json\t'simd-json\'s tape; what it cannot give exactly is the reference\'s'
structural\t'An index made with vector instructions; only what is asked for is read'"
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l progress -d 'Progress on standard error: auto, plain, json, none' -r -f -a "auto\t'A bar on a terminal, else plain lines'
plain\t'A line every ten seconds'
json\t'A JSON object on a line of its own every second'
none\t'Nothing'"
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l summary -d 'The summary on standard output: text, json' -r -f -a "text\t'A table for people'
json\t'What is in summary.json'"
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l log -d 'What is logged: off, error, warn, info, debug, trace' -r -f -a "off\t'Nothing'
error\t'What stops the run'
warn\t'What may need attention'
info\t'What happens'
debug\t'What the workers say'
trace\t'Everything'"
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l ignore-zeros -d 'Read on behind an end-of-archive marker'
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l resume -d 'Go on with the run that was stopped in DIR'
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l overwrite -d 'Replace the dataset that DIR holds'
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -s v -l verbose -d 'Log more (-v: info, -vv: debug)'
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -s q -l quiet -d 'Show nothing but errors'
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -s V -l version -d 'Print version'
complete -c tarquet -n "__fish_tarquet_using_subcommand verify" -l out-dir -d 'The dataset\'s directory' -r -f -a "(__fish_complete_directories)"
complete -c tarquet -n "__fish_tarquet_using_subcommand verify" -l quick -d 'Look at sizes and at Parquet\'s own counts, but do not read the pages'
complete -c tarquet -n "__fish_tarquet_using_subcommand verify" -s q -l quiet -d 'Show nothing but what is wrong'
complete -c tarquet -n "__fish_tarquet_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tarquet -n "__fish_tarquet_using_subcommand verify" -s V -l version -d 'Print version'
complete -c tarquet -n "__fish_tarquet_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tarquet -n "__fish_tarquet_using_subcommand completions" -s V -l version -d 'Print version'
complete -c tarquet -n "__fish_tarquet_using_subcommand help; and not __fish_seen_subcommand_from extract verify completions help" -f -a "extract" -d 'Extract what a feature map names into a Parquet dataset'
complete -c tarquet -n "__fish_tarquet_using_subcommand help; and not __fish_seen_subcommand_from extract verify completions help" -f -a "verify" -d 'Check that every part of a dataset is whole and exactly what its ledger says'
complete -c tarquet -n "__fish_tarquet_using_subcommand help; and not __fish_seen_subcommand_from extract verify completions help" -f -a "completions" -d 'Write what makes a shell complete this command line to standard output'
complete -c tarquet -n "__fish_tarquet_using_subcommand help; and not __fish_seen_subcommand_from extract verify completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
