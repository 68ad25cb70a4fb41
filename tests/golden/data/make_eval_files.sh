#!/bin/sh
# Small score and label files for the tests of `radz-bench eval`, the same every time. Usage: make_eval_files.sh FOLDER
# 60 images of 25 patients, classes Mass and Edema; scores.csv has its columns in another order and a column `view`.
awk -v dir="$1" '
function next_random() { state = (state * 16807) % 2147483647; return state / 2147483647 }
BEGIN {
  state = 20240611
  labels = dir "/labels.csv"; scores = dir "/scores.csv"; other = dir "/other.csv"
  print "id,patient,Mass,Edema" > labels
  print "id,Edema,Mass,view" > scores
  print "id,Mass,Edema" > other
  for (i = 0; i < 60; i++) {
    id = sprintf("a%02d", i)
    mass = next_random() < 0.3; edema = next_random() < 0.2
    m = next_random() + 0.5 * mass; e = next_random() + 0.3 * edema
    row[i] = sprintf("%s,%.6f,%.6f,%s", id, e, m, i % 2 ? "PA" : "AP")
    printf "%s,p%d,%d,%s\n", id, int(i / 2.5), mass, i == 9 ? "-1" : i == 10 ? "" : edema > labels
    printf "%s,%.6f,%.6f\n", id, 0.6 * m + 0.4 * next_random(), 0.6 * e + 0.4 * next_random() > other
  }
  for (i = 0; i < 60; i++) print row[i] > scores
}'
