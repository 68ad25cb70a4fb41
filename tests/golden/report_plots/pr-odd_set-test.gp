# gnuplot pr-odd_set-test.gp draws pr-odd_set-test.svg, pr-odd_set-test.pdf and pr-odd_set-test.png in the current folder
reset session
set encoding utf8
$pr_0_0 << END
0 0
0.14286 0.2
0.14286 0.16667
0.28571 0.28571
0.28571 0.15385
0.57143 0.26667
0.57143 0.22222
0.85714 0.3
0.85714 0.16667
1 0.18919
1 0.175
END
$pr_1_0 << END
0 0
0.33333 0.2
0.33333 0.11111
0.66667 0.2
0.66667 0.052632
1 0.076923
1 0.075
END
do for [format in "svg pdf png"] {
if (format eq "svg") { set terminal svg noenhanced size 548,254 font "sans-serif,10.7" linewidth 1 background rgb "white" }
if (format eq "pdf") { set terminal pdfcairo noenhanced size 5.710in,2.650in font "sans-serif,8" fontscale 0.77 linewidth 1.4 background rgb "white" }
if (format eq "png") { set terminal pngcairo noenhanced size 1233,572 font "sans-serif,8" fontscale 2.250 linewidth 2.5 pointscale 2.5 background rgb "white" }
set output "pr-odd_set-test.".format
unset label
unset arrow
set border 3 lw 0.6 lc rgb '#404040'
set tics nomirror scale 0.5 tc rgb '#202020'
set multiplot
set xrange [0:1]
set yrange [0:1]
unset key
set samples 2
set arrow 1 from screen 0.0841,0.8868 to screen 0.1366,0.8868 nohead lw 1.6 lc rgb '#0072B2' dt 1
set label 100 "clip-tiny / clip-posneg" at screen 0.1471,0.8868 left
set label 202 "odd_set, test: 40 images (a subset)" at screen 0.0841,0.9472 left tc rgb '#404040'
set label 200 "recall (sensitivity)" at screen 0.5333,0.0415 center
set label 201 "precision" at screen 0.0175,0.5038 center rotate by 90
set lmargin at screen 0.0841
set rmargin at screen 0.3555
set tmargin at screen 0.7585
set bmargin at screen 0.1736
set xtics 0,0.5,1 format "%g" offset 0,0.4
set ytics 0,0.5,1 format "%g" offset 0.5,0
set title "Pleural_Effusion, \"left..." offset 0,-0.7
set label 1 "0.307" at graph 0.97,0.93 right tc rgb '#0072B2' front
plot NaN with lines lc rgb '#808080' lw 0.8 dt (2,3) notitle, $pr_0_0 with lines lw 1.3 lc rgb '#0072B2' dt 1 notitle
unset arrow
unset label
set lmargin at screen 0.3975
set rmargin at screen 0.6690
set tmargin at screen 0.7585
set bmargin at screen 0.1736
set xtics 0,0.5,1 format "%g" offset 0,0.4
set ytics 0,0.5,1 format "" offset 0.5,0
set title "Épaississement {pleural..." offset 0,-0.7
set label 1 "0.284" at graph 0.97,0.93 right tc rgb '#0072B2' front
plot NaN with lines lc rgb '#808080' lw 0.8 dt (2,3) notitle, $pr_1_0 with lines lw 1.3 lc rgb '#0072B2' dt 1 notitle
unset arrow
unset label
set lmargin at screen 0.7110
set rmargin at screen 0.9825
set tmargin at screen 0.7585
set bmargin at screen 0.1736
set xtics 0,0.5,1 format "%g" offset 0,0.4
set ytics 0,0.5,1 format "" offset 0.5,0
set title "Fracture" offset 0,-0.7
set label 1 "NA" at graph 0.5,0.75 center tc rgb '#606060'
plot NaN with lines lc rgb '#808080' lw 0.8 dt (2,3) notitle
unset arrow
unset label
unset multiplot
unset output
}
