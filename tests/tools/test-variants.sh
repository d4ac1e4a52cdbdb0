#!/bin/sh
# test-variants.sh CODE-IMAGE CODE-MODEL GOLDEN NUMERICS DATA: weights as people have them. Each file that is
# accepted gives the bytes of the plain one, to code-model, code-image and, if gst-launch-1.0 finds codesrc,
# the element; each other file gets its line from all of them, in 64 MiB. Models of other settings of the
# release are compared with their goldens. training/variants.py made the files.
set -u
image=$(realpath "$1") model=$(realpath "$2") golden=$(realpath "$3") numerics=$4 data=$5
. "$(dirname "$0")/common.sh"
xz -dc "$data/variants.tar.xz" | tar -xf - -C "$folder" || exit 1
ln -s "$data/micro-trainer.pth" "$folder/ar-ckpt-best.pth"
gst-inspect-1.0 codesrc >"$log" 2>&1 && element=1 || element=
[ "$element" ] || echo 'the element is not tried: no codesrc here'

# manifest VAE DRAFTER [KEYS]: of the small model; KEYS follow the drafter's file.
manifest() {
    cat >"$folder/case.yaml" <<YAML
name: variant
patch_nums: [1, 2, 3]
classes: 3
vae: {file: $1, groups: 4}
drafter: {file: $2${3-}}
defaults: {top_k: 8}
YAML
}

# draw OUTPUT: the picture of the manifest, by code-image, and by the element without a header.
draw() {
    expect '' "$image" --model "$folder/case.yaml" --device reference --class 1 --seed 5 --output "$1.ppm"
    [ -z "$element" ] || expect '' gst-launch-1.0 -q codesrc model="$folder/case.yaml" device=reference \
        class-id=1 seed=5 num-buffers=1 ! filesink location="$1.rgb"
}

# draws_as OTHER: the manifest draws what OTHER has.
draws_as() {
    draw "$folder/other"
    same "$folder/$1.ppm" "$folder/other.ppm"
    [ -z "$element" ] || same "$folder/$1.rgb" "$folder/other.rgb"
}

# accept FILE [KEYS]: as a drafter.
accept() {
    expect 'all finite' "$model" verify "$folder/$1"
    manifest vae.pth "$@"
    expect 'N = 3' "$model" inspect --device reference "$folder/case.yaml"
    expect 'every weight was read' "$model" verify --device reference "$folder/case.yaml"
    draws_as plain
}

# limited COMMAND...: in 64 MiB, unless a sanitizer takes more for itself; the time only ends what hangs.
limited() {
    (
        # shellcheck disable=SC3045
        [ "${SANITIZED-}" ] || ulimit -d 65536
        exec timeout 60 "$@"
    )
}

# deny TEXT FILE [KEYS]: as a drafter, in one line.
deny() {
    line=$1
    shift
    manifest vae.pth "$@"
    for action in "$model inspect --device reference" "$model verify --device reference" \
        "$image --device reference --output $folder/x.ppm --model"; do
        # shellcheck disable=SC2086
        refuse "$1: $line" limited $action "$folder/case.yaml"
        [ "$(wc -l <"$log")" = 1 ] || fail "more than one line: $(cat "$log")"
    done
    [ -z "$element" ] || refuse "$1: $line" limited gst-launch-1.0 codesrc model="$folder/case.yaml" \
        device=reference num-buffers=1 ! fakesink
}

# compare VAE DRAFTER NAME: with a golden.
compare() {
    manifest "$1" "$2"
    for device in $DEVICES; do
        expect 'tokens 14/14' "$golden" --numerics "$numerics" --device $device --precision f32 \
            --model "$folder/case.yaml" "$data/variant-$3.safetensors"
    done
}

manifest vae.pth plain.pth
draw "$folder/plain"

for file in f16 bf16 f8 buffers compiled ddp-of-compiled compiled-ddp compiled-inside model net var-wo-ddp \
    lightning parameters protocol-3 protocol-4 protocol-5 no-checksums; do
    accept "$file.pth"
done
accept ema.pth ', prefix: ema.shadow'
accept has-another.pth ', ignore: blocks.0.cross_attn.weight'
accept model.safetensors.index.json
for name in a.ckpt a.bin a.jit a.pth.tar a.model a.sft a; do
    ln -s plain.pth "$folder/$name"
    accept "$name"
done
cp "$folder/model.safetensors.index.json" "$folder/index"
accept index

# What train.py of VAR saves is drafter and VQ-VAE at once. Its values are those of synthetic weights.
cat >"$folder/case.yaml" <<YAML
name: variant
patch_nums: [1, 2, 3]
classes: 3
synthetic: 11
vae: {codes: 16, channels: 4, ch: 8, ch_mult: [1, 1], res_blocks: 1, groups: 4}
drafter: {depth: 1, width: 64, heads: 1}
defaults: {top_k: 8}
YAML
draw "$folder/synthetic"
# The manifest that is printed for it opens, as it is.
expect 'patch_nums: [1, 2, 3]' "$model" inspect "$folder/ar-ckpt-best.pth"
sed -n '/^name: /,$p' "$log" >"$folder/printed.yaml"
expect 'N = 3' "$model" inspect --device reference "$folder/printed.yaml"
expect 'all finite' "$model" verify "$folder/ar-ckpt-best.pth"
manifest ar-ckpt-best.pth ar-ckpt-best.pth
expect 'every weight was read' "$model" verify --device reference "$folder/case.yaml"
draws_as synthetic

compare vae.pth plain.pth plain
compare vae.pth no-l2-norm.pth no-l2-norm
compare vae-one-phi.pth plain.pth one-phi
compare vae-own-phi.pth plain.pth own-phi
compare vae-decoder.pth plain.pth plain
# A golden that is not understood is an error, not a golden of other settings.
LC_ALL=C sed 's/"seeds":"\[8\]"/"seeds":"[x]"/' "$data/variant-plain.safetensors" >"$folder/spoilt.safetensors"
refuse 'metadata seeds: [x], expected 1 numbers' "$golden" --numerics "$numerics" --device reference \
    --precision f32 --model "$folder/case.yaml" "$folder/spoilt.safetensors"

# A model without an encoder says so, and draws what the whole one draws, but does not paint.
manifest vae-decoder.pth plain.pth
expect 'encoder       none' "$model" inspect --device reference "$folder/case.yaml"
draws_as plain
[ -z "$element" ] || refuse 'found a VQ-VAE without an encoder' gst-launch-1.0 codesrc \
    model="$folder/case.yaml" num-buffers=1 ! codepaint model="$folder/case.yaml" mask=0,0,1,1 ! fakesink

printf 'Entry not found' >"$folder/answer.pth"
printf '<!DOCTYPE html>\n<html><head></head></html>\n' >"$folder/page.pth"
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n' >"$folder/pointer.pth"
head -c 9999 "$folder/plain.pth" >"$folder/short.pth"
sed 's/model-00002/model-00003/' "$folder/model.safetensors.index.json" >"$folder/lacks.json"
deny "found a server's answer, 'Entry not found', expected weights: check the name" answer.pth
deny 'found a web page, expected weights: fetch the file itself' page.pth
deny 'found a Git LFS pointer, expected weights: fetch them with `git lfs pull`' pointer.pth
deny 'found the legacy format of PyTorch before 1.6, expected a zip: convert it with torch.save(' legacy.pth
deny 'found a TorchScript program, expected the weights alone: write them with torch.save(' torchscript.pt
deny "found numbers for names of tensors, expected those of a model: save it again with" integer-keys.pth
deny "pickle, byte 2: found the name 'torch.nn.modules.linear Linear'" whole-model.pth
deny "pickle, byte 20: found the name 'torch._tensor _rebuild_from_type_v2', expected tensors and plain \
data: a distributed tensor (DTensor) is in several files: gather it with" distributed.pth
deny "found no tensor 'head.bias'" lacks-a-tensor.pth
deny "found tensor 'blocks.0.cross_attn.weight' and no use for it: to draw without it, add" has-another.pth
deny "found no tensor 'pos_1LC', expected one; it has 'ema.shadow.pos_start', 'ema.shadow.pos_1LC', \
'ema.shadow.word_embed.weight': if its model lies under another name, add \`prefix: NAME\`" ema.pth
deny "found no tensor under prefix 'shadow', but 'ema.shadow.pos_start'" ema.pth ', prefix: shadow'
deny 'shared_aln is false, but the manifest says true' plain.pth ', shared_aln: true'
deny 'depth is 1, but the manifest says 2' plain.pth ', depth: 2'
deny 'found no zip end record' short.pth
# A weight file in place of a manifest, whatever its name.
for name in a a.bin torchscript.pt model.safetensors.index.json; do
    line="$name: found a weight file, expected a manifest: \`code-model inspect\` of the file prints one"
    refuse "$line" limited "$image" --model "$folder/$name" --output "$folder/x.ppm"
    [ -z "$element" ] || refuse "$line" limited gst-launch-1.0 codesrc model="$folder/$name" ! fakesink
done
manifest vae.pth lacks.json
refuse 'model-00003-of-00002.safetensors: cannot be opened' "$model" verify "$folder/case.yaml"
finish
